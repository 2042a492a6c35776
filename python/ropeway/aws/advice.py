"""What helps when AWS gave no answer: the same words for every engine that asked."""

NO_CREDENTIALS = (
    "In a pipeline, give a service connection or the variables AWS.AccessKeyID and AWS.SecretAccessKey. Everywhere, AWS's own "
    "chain counts: AWS_ACCESS_KEY_ID, a profile, the role of a container or an instance."
)
CA = (
    "If a proxy or a store of yours signs its own certificates, give their authority: the agent's --sslcacert, or a file in "
    "AWS_CA_BUNDLE."
)
CLOCK = "Renew it there; if it ought to be good, set this machine's clock (NTP)."
NAMES = "Write the endpoint URL with a name that the certificate has, or give the other side one for this name."
LOGIN = "Set them where the proxy is set: the agent's --proxyusername and --proxypassword, or HTTPS_PROXY."
PROXY = "Check its address where it is set: the agent's --proxyurl, or HTTPS_PROXY."
BYPASS = "or reach it without the proxy: by the agent's .proxybypass, or NO_PROXY."
WAY = "Check the endpoint URL, firewalls, and that there is a way out: a NAT, a VPC endpoint, a proxy."
