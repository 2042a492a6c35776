# What nobody needs any more goes: what was left half done, and old releases. The live one and the one before it stay, whatever was
# asked for.

# Sets `why` and answers 1 when something stays.
tidy() {
  local name at
  rm -rf -- "$app"/releases/.*.part "$app"/releases/.gone.* "$notes"/incoming/*
  while read -r _ name; do
    at=$app/releases/.gone.$name
    # Under its own name there is all of it, or nothing.
    mv -fT -- "$app/releases/$name" "$at" && rm -rf -- "$notes/releases/$name" "$at" || {
      why="Release $name cannot be removed."
      return 1
    }
    echo "Removed $name."
  done < <(dispensable)
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
