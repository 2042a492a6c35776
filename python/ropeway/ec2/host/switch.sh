# From the release that is live to another one, forward or back.

# `current` leads to the old one until it leads to the new one: there is no moment between.
point() {
  local next=$app/.current.new
  rm -f -- "$next"
  ln -s -- "releases/$1" "$next" && mv -fT -- "$next" "$app/current" || fail "$app/current cannot be switched."
}

# It is marked before it is told, so that nobody takes it for one that works. A full disk has no room for the mark: then the old one
# goes, and a release without one is vouched for by nobody (state_of).
give_up() {
  try_note "$release" state failed || rm -f -- "$notes/releases/$release/state" || why="$why It could not be marked as failed either."
  fail "$why"
}

# A note that cannot be written stops who goes forward, and not who goes back: that may be because of a release that fills the disk.
# Without them the order of the releases is the one of before; what is left behind must not be vouched for.
remember() {
  try_note "$@" && return
  [ "$back" = true ] || fail "The note $2 of the release cannot be written."
  [ "$3" != rolledBack ] || rm -f -- "$notes/releases/$1/state"
  warning=${warning:-"Not all notes could be written in $folder/.ropeway, and it went on: is the disk full?"}
}

# From before its first hook until after its last one a switch leaves word of itself: `current` does not tell that what it leads to was
# stopped. An empty file, for which a full disk has room.
half_way=$notes/half-way

go() {
  local from=$live event
  : >"$half_way" || [ "$back" = true ] || fail "That the switch begins cannot be noted in $notes."
  if [ -n "$from" ] && ! run_event ApplicationStop "$from"; then
    warning="ApplicationStop of what was live failed, and it went on: $why"
    echo "$warning"
    hook='' why=''
  fi
  run_event BeforeInstall "$release" || give_up
  changed=true
  leave "$from"
  next_order
  remember "$release" order "$REPLY"
  remember "$release" state live
  point "$release"
  for event in AfterInstall ApplicationStart ValidateService; do
    run_event "$event" "$release" || give_up
  done
}

# On the way back: what came later is not to be gone back to.
leave() {
  local from=$1 after order name
  [ "$back" = true ] || return 0
  noted "$release" order
  after=$REPLY
  while read -r order name; do
    [ "$name" != "$release" ] || continue
    ((order > after)) || [ "$name" = "$from" ] || continue
    state_of "$name"
    case $REPLY in live | healthy) remember "$name" state rolledBack ;; esac
  done < <(in_order)
}

main() {
  local was
  begin
  ! strange_current || fail "$why"
  has "$release" || fail "Release $release_id is not on this instance."
  state_of "$release"
  was=$REPLY
  if [ "$step" = switch ] && [ "$live" != "$over" ] && [ "$live" != "$release" ]; then
    fail "Release ${live:-none} is live here, and not ${over:-none}: nothing was changed."
  fi
  if [ "$force" = false ] && [ "$live" = "$release" ] && [ "$was" = healthy ] && [ ! -e "$half_way" ]; then
    echo "Release $release_id is live already."
    succeed
  fi
  go
  if [ "$step" = rollback ] && [ "$was" = healthy ]; then remember "$release" state healthy; fi
  rm -f -- "$half_way"
  settled
  succeed
}
