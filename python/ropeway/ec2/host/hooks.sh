# Running the hooks of a release, each in a session and process group of its own, for as long as it may.

hooks=0

# Ends the group of a hook when its time is up, or when nobody waits for it any more: whoever cancels a command of SSM's, or
# finds that it takes too long, kills our script and no more than that. It is there before the hook is, which leaves its number
# as the name of a file (a full disk has room for that). Of a script that is gone first and a number that is not there, the hook
# has seen as much, and has not begun.
guard() {
  local waiting=$1 limit=$2 grace=$3 mark=$4 file hook='' left='' at=0 told
  : >"$mark.on"
  until [ -n "$left" ]; do
    told=''
    read -r told <"/proc/$waiting/stat"
    # One that is dead and that nobody has buried is gone, too. (proc(5): the state follows the name, in brackets.)
    case ${told##*) } in '' | Z* | X*) left=gone ;; esac
    for file in "$mark".[0-9]*; do [ ! -e "$file" ] || hook=${file##*.}; done
    if ((SECONDS > limit)); then
      left=late
      : >"$mark.late"
    fi
    sleep 0.1
  done
  [ -n "$hook" ] || return 0
  while kill -TERM -- "-$hook" || kill -TERM "$hook"; do
    ((at++ < grace * 10)) || break
    sleep 0.1
  done
  kill -KILL -- "-$hook" "$hook"
}

# Becomes the hook. An app must not find our descriptors.
become() {
  local event=$1 root=$2 path=$3 user=$4 mark=$5
  exec 3>&- 8<&- 9>&-
  : >"$mark.$BASHPID" && kill -0 $$ || exit 125
  export APPLICATION_NAME=$application DEPLOYMENT_ID=$deployment_id DEPLOYMENT_GROUP_NAME=$group DEPLOYMENT_GROUP_ID=$group
  export LIFECYCLE_EVENT=$event ROPEWAY_RELEASE=$release_id ROPEWAY_RELEASE_FOLDER=$root
  export ROPEWAY_FOLDER=$app ROPEWAY_SHARED_FOLDER=$app/shared
  cd -- "$root" || exit 126
  [ "$user" != - ] || exec setsid "./$path"
  HOME=$(getent passwd "$user" | cut -d : -f 6) USER=$user LOGNAME=$user
  export HOME USER LOGNAME
  exec setsid runuser -u "$user" -- "./$path"
}

# One script. Sets `why` when it fails.
run_script() {
  local event=$1 root=$app/releases/$2 limit=$3 user=$4 path=$5 left=$((hook_seconds - SECONDS)) mark pid guard code
  [ "$user" != "$(id -un)" ] || user=-
  if ((limit > left)); then limit=$left; fi
  why=''
  if ((limit <= 0)); then why="No time was left for $path: all hooks together may take $hook_seconds s."; fi
  [ -f "$root/$path" ] || why="$path is not in the release."
  [ -z "$why" ] && [ ! -x "$root/$path" ] && why="$path is not executable."
  [ "$user" = - ] || [ "$(id -u)" = 0 ] || why="$path would run as $user, which takes root."
  [ "$user" = - ] || id -- "$user" >/dev/null || why="There is no user $user, as whom $path would run."
  [ -z "$why" ] || return 1
  echo "== $event: $path, at most $limit s"
  changed=true
  mark=$notes/hook.$$.$RANDOM$RANDOM.$((++hooks))
  setsid bash -c "$(declare -f guard); guard $$ $limit $grace \"\$1\"" guard "$mark" 3>&- 8<&- 9>&- >/dev/null 2>&1 &
  guard=$!
  # In a session of its own, where nobody ends it who ends us.
  until [ -e "$mark.on" ]; do
    kill -0 "$guard" || {
      why="Nothing can be started to watch over $path."
      return 1
    }
    sleep 0.01
  done
  (become "$event" "$root" "$path" "$user" "$mark") &
  pid=$!
  wait "$pid"
  code=$?
  {
    [ -e "$mark.late" ] || kill "$guard"
    wait "$guard"
  } 2>/dev/null # that it was killed is no news
  if [ -e "$mark.late" ]; then
    why="$path did not end within $limit s; its process group was killed."
  elif ((code != 0)); then
    why="$path ended with exit code $code."
  fi
  rm -f -- "$mark".*
  [ -z "$why" ]
}

# All scripts of an event. Sets `hook` and `why` when one fails. A table without its last line is not whole, and runs nothing.
run_event() {
  local event=$1 name=$2 table=$notes/releases/$2/app kind of limit user path
  hook=$event
  if [ "$(tail -n 1 -- "$table")" != end ]; then
    why="$table, where the hooks of the release stand, is damaged."
    return 1
  fi
  while IFS=$'\t' read -r kind of limit user path <&8; do
    if [ "$kind" = hook ] && [ "$of" = "$event" ]; then run_script "$event" "$name" "$limit" "$user" "$path" || return 1; fi
  done 8<"$table"
  hook=''
}
