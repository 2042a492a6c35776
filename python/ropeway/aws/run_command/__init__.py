"""Scripts on instances by SSM Run Command, and the truth about each of them.

    hosts ──packing──> parameters ──sending──> commands of 50 hosts ──watching──> one HostRun a host

What is known of the service, and what follows from it here:

- A command as a whole reads Success while instances were never reached, so each invocation is looked at for itself. botocore's
  waiter gives up after 100 s, so it is not used. (Systems Manager user guide, "Understanding command statuses".)
- SendCommand has no client token: its lost answer is looked for by a word in the comment before anything is sent again.
- ListCommandInvocations tells 50 invocations a call and the first 2,400 bytes of what each printed; GetCommandInvocation the
  first 24,000 characters, an invocation a call. It is asked only where the former were cut.
- CancelCommand is a request. What it came to is looked up, for a short while.
"""
