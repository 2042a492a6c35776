# How this host stands. Nothing is written.

# What a block device, or the disk that it is a part of, says of itself.
one_of() {
  lsblk -n -s -o "$1" "$2" | sed 's/^ *//;s/ *$//;/^$/d' | tail -n 1
}

# Bytes of what was left half done: they are as good as free, because it goes before a release arrives.
half_done() {
  local at bytes sum=0
  for at in "$app"/releases/.*.part "$app"/releases/.gone.* "$notes"/incoming/*; do
    [ -e "$at" ] || continue
    bytes=0
    read -r bytes _ < <(du -sB1 -- "$at")
    sum=$((sum + bytes))
  done
  REPLY=$sum
}

main() {
  local name state source
  ours
  find_live
  while read -r _ name; do
    [ "${#listed}" -lt 700 ] || [ "$name" = "$live" ] || [ "$name" = "$previous" ] || [ "$name" = "$asked" ] || continue
    state_of "$name"
    state=$REPLY
    noted "$name" content
    listed+="${listed:+,}[\"$name\",\"$state\",\"$REPLY\"]"
  done < <(in_order)
  existing "$app"
  mount=$(findmnt -r -n -o SOURCE,FSTYPE --target "$REPLY" | head -n 1)
  source=${mount%% *}
  source=${source%%\[*}
  disk=$(one_of MODEL "$source")\|$(one_of SERIAL "$source")
  half_done
  spare=$REPLY
  [ ! -e "$notes/half-way" ] || changed=true
  ! strange_current || fail "$why"
  succeed
}
