# Old releases go. The live one and the one before it stay, whatever was asked for.

main() {
  local name at
  begin
  rm -rf -- "$app"/releases/.*.part "$app"/releases/.gone.* "$notes"/incoming/*
  while read -r _ name; do
    at=$app/releases/.gone.$name
    # Under its own name there is all of it, or nothing.
    mv -fT -- "$app/releases/$name" "$at" && rm -rf -- "$notes/releases/$name" "$at" || fail "Release $name cannot be removed."
    echo "Removed $name."
  done < <(dispensable)
  find "$notes" -maxdepth 1 -name 'hook.*' -mtime +2 -delete
  find "$notes/log" -type f -name '*.log' -mtime +90 -delete
  succeed
}

dispensable() {
  local name healthy=0 others=0
  while read -r _ name; do
    state_of "$name"
    case $REPLY in
      healthy) ((++healthy <= keep)) && continue ;;
      *) [ "$name" = "$live" ] || { ((++others <= keep_failed)) && continue; } ;;
    esac
    [ "$name" = "$live" ] || [ "$name" = "$previous" ] || printf '0 %s\n' "$name"
  done < <(in_order)
}
