# What is known of a release is noted. `current` stays as it is.

main() {
  begin
  has "$release" || fail "Release $release_id is not on this instance."
  note "$release" state "$state"
  settled
  succeed
}
