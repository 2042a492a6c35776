"""Moving over from the AWS Toolkit for Azure DevOps: what it has, what differs here, and a pipeline's YAML changed accordingly."""
