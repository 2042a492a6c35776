"""What is known of a pipeline's YAML from outside a pipeline. `schema` describes our steps to editors."""
