"""S3's website endpoints: a bucket with a website configuration, as a browser sees it."""
