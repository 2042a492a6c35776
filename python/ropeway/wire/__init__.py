"""HTTP/1.1 to AWS on non-blocking sockets, and its signatures. It knows no S3."""
