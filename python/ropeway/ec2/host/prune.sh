# Old releases go, and old notes.

main() {
  begin
  tidy || fail "$why"
  find "$notes" -maxdepth 1 -name 'hook.*' -mtime +2 -delete
  find "$notes/log" -type f -name '*.log' -mtime +90 -delete
  succeed
}
