"""SSM Run Command that runs: commands, their invocations on the instances, and what SSM says about them."""
