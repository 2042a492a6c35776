"""The only room that makes an AWS client: connections, credentials, sessions, and what AWS answers put into words."""
