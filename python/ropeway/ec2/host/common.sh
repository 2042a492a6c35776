# What every step stands on. Above it are the values, quoted, and nothing but values: folder, release and the like.
# Releases go by their names here, which are ids in letters that need no care (names.py). Bash 4.2, coreutils 8.22, util-linux 2.30.

umask 022
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
app=${INSTANCE_ROOT:-}$folder
notes=$app/.ropeway
live='' previous='' changed=false hook='' why='' warning='' mount='' disk='' listed='' log='' log_from=0 spare=0

# Whatever is printed goes into the log. The answer alone is told, first, at the end.
exec 3>&1 >/dev/null 2>&1 </dev/null

# --- the last word ----------------------------------------------------------------------------------------------------------

# The first $2 bytes of $1 as the inside of a JSON string, in REPLY, which is where the functions below leave what they find: a
# subshell for each is a process for each. Bytes beyond ASCII become \u00XX: whoever reads it makes bytes of them again.
json() {
  local LC_ALL=C text=${1:0:$2} at one code
  REPLY=''
  for ((at = 0; at < ${#text}; at++)); do
    one=${text:at:1}
    case $one in
      '"' | '\') REPLY+="\\$one" ;;
      [[:print:]]) REPLY+=$one ;;
      *)
        printf -v code '%d' "'$one"
        printf -v one '\\u%04x' $((code & 255))
        REPLY+=$one
        ;;
    esac
  done
}

# The folder $1, or the first one above it that is there.
existing() {
  REPLY=$1
  until [ -d "$REPLY" ]; do
    REPLY=${REPLY%/*}
    REPLY=${REPLY:-/}
  done
}

# Bytes free there; -1 where the system does not say.
free_in() {
  existing "$1"
  { read -r _ && read -r REPLY; } < <(df -B1 --output=avail -- "$REPLY")
  [[ $REPLY =~ ^\ *[0-9]+$ ]] || REPLY=-1
  REPLY=$((REPLY))
}

# A field of the report, as text.
tell() {
  json "$2" "$3"
  line+=",\"$1\":\"$REPLY\""
}

answer() {
  local line room
  find_live
  line='"step":"'$step'","ok":'$1',"changed":'$changed
  tell release "$release" 250
  tell live "$live" 250
  state_of "$live"
  tell state "$REPLY" 20
  tell previous "$previous" 250
  tell hook "$hook" 20
  tell why "$why" 500
  tell warning "$warning" 300
  tell log "$log" 200
  tell mount "$mount" 150
  tell disk "$disk" 100
  free_in "$app"
  ((REPLY < 0)) || REPLY=$((REPLY + spare))
  line="ropeway:$nonce {$line,\"free\":$REPLY,\"releases\":[$listed]}"
  printf '%s\n' "$line" >&3
  room=$((2000 - ${#line}))
  [ "$1" = true ] || room=18000
  if [ -n "$log" ] && ((room > 0)); then tell_log "$room" >&3; fi
}

# The last $1 bytes of what was printed, and where the rest is.
tell_log() {
  local before=$(($(stat -c %s -- "$log") - log_from - $1))
  ((before <= 0)) || printf '(%d bytes before this: see %s on the instance)\n' "$before" "$folder/${log#"$app/"}"
  tail -c "+$((log_from + 1))" -- "$log" | tail -c "$1"
}

succeed() {
  trap - EXIT
  why='' hook=''
  answer true
  exit 0
}

# The reason is a sentence. A process that we have just forked has our traps for a moment, and must not speak for us.
fail() {
  [ "$BASHPID" = $$ ] || exit 1
  trap - EXIT TERM INT HUP
  why=$1
  echo "Failed: $why"
  answer false
  exit 1
}

trap 'fail "The script came to an end that it does not know."' EXIT
trap 'fail "It was stopped."' TERM INT HUP

# --- releases on this host --------------------------------------------------------------------------------------------------

# Of each there are notes: state, content (sha256), order (which was staged or switched to later), and app (the hooks).
has() {
  [ -n "$1" ] && [ -d "$app/releases/$1" ] && [ -f "$notes/releases/$1/content" ]
}

noted() {
  REPLY=''
  [ ! -f "$notes/releases/$1/$2" ] || read -r REPLY <"$notes/releases/$1/$2"
}

# At once and whole: nobody reads half a note.
note() {
  try_note "$@" || fail "The note $2 of the release cannot be written."
}

try_note() {
  local at=$notes/releases/$1
  printf '%s\n' "$3" >"$at/.$2.new" && mv -f -- "$at/.$2.new" "$at/$2"
}

# Links and notes must still be whole when the power fails after we have said what they say.
settled() {
  sync -f -- "$app" "$notes" || sync
}

state_of() {
  REPLY=''
  [ -n "$1" ] || return 0
  noted "$1" state
  case $REPLY in
    staged | live | healthy | failed | rolledBack) ;;
    *) REPLY=failed ;; # the note is lost: nobody vouches for it
  esac
}

# The latest first, a line each: order, name.
in_order() {
  local at name
  for at in "$notes"/releases/*/; do
    at=${at%/}
    name=${at##*/}
    if has "$name"; then
      noted "$name" order
      printf '%d %s\n' "$REPLY" "$name"
    fi
  done | sort -rn
}

next_order() {
  REPLY=0
  read -r REPLY _ < <(in_order)
  REPLY=$((REPLY + 1))
}

# What `current` leads to, and the healthy one before it.
find_live() {
  local to='' name
  live='' previous=''
  [ -L "$app/current" ] && to=$(readlink -- "$app/current")
  if [ -n "$to" ] && has "${to#releases/}" && [ "$to" = "releases/${to#releases/}" ]; then live=${to#releases/}; fi
  while read -r _ name; do
    state_of "$name"
    if [ "$name" != "$live" ] && [ "$REPLY" = healthy ]; then
      previous=$name
      return
    fi
  done < <(in_order)
}

# What stands in the way of `current`, and is not of our making.
strange_current() {
  local at=$app/current
  if [ -e "$at" ] && [ ! -L "$at" ]; then
    why="$at is there, and is no link of Ropeway's: move it away."
    return 0
  fi
  if [ -L "$at" ] && [ -z "$live" ]; then
    warning="$at leads to $(readlink -- "$at"), which Ropeway has not put there: it could not be put back."
  fi
  return 1
}

# A folder is of one application, which is noted as a release is first staged there. Without the note it was made by an older Ropeway.
ours() {
  local owner=$application
  [ ! -f "$notes/application" ] || IFS= read -r owner <"$notes/application"
  [ "$owner" = "$application" ] || fail "$folder is of the application $owner, and not of $application: give each a folder of its own. If it was renamed, remove $folder/.ropeway/application."
}

own() {
  local at=$notes/application
  [ -f "$at" ] || { printf '%s\n' "$application" >"$at.new" && mv -f -- "$at.new" "$at"; } || fail "The name of the application cannot be noted in $notes."
}

# --- at work ----------------------------------------------------------------------------------------------------------------

# One at a time on a host. Nothing but this script holds the lock: what hooks start has not got it.
begin() {
  local said
  said=$(mkdir -p -- "$notes/log" "$notes/releases" "$notes/incoming" "$app/releases" "$app/shared" 2>&1) || fail "The folder $folder cannot be made: $said"
  chmod 700 -- "$notes"
  : >>"$notes/log/$deployment-$step.log" || fail "The log in $notes/log cannot be written."
  : >>"$notes/lock" || fail "The lock in $notes cannot be written."
  exec 9>"$notes/lock"
  flock -w "$patience" 9 || fail "Another deployment is at work on this instance."
  log=$notes/log/$deployment-$step.log
  log_from=$(stat -c %s -- "$log")
  exec >>"$log" 2>&1
  ours
  find_live
}
