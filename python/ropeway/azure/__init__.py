"""The only room that knows INPUT_*, ENDPOINT_* and ##vso: how a task runs on an Azure Pipelines agent."""
