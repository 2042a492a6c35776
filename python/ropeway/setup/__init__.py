"""From nothing to a first release: what AWS and Azure DevOps must know of each other before a pipeline can deploy.

In AWS: `policy` finds the least IAM policy for the tasks at hand; `identity` what else IAM must hold (an identity provider, a role, a user); `in_iam` plans and
makes it there; `stack` writes it as CloudFormation instead. In Azure DevOps: `devops` asks an organisation; `connection` makes the service connection, `pipeline` a
YAML pipeline (`written`, `environments`, `permitting`) or, by `classic`, a release definition. `applying` carries any of these plans out. `doctor` finds out why it
does not work.
"""
