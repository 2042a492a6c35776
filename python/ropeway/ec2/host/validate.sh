# What has the release already: its own ValidateService says whether it works. No note and no link changes.

main() {
  begin
  [ "$live" = "$release" ] || fail "Release ${live:-none} is live here, and not $release_id."
  run_event ValidateService "$release" || fail "$why"
  succeed
}
