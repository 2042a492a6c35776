# The bundle arrives, is proved, and lies beside the other releases. What runs goes on.

# Into the file $1, from $url, which no list of processes and no log may show. Sets `why` and answers 1 when it did not come,
# 2 when it will not come however often it is asked for.
fetch() {
  local to=$1 left=$((stage_seconds - SECONDS)) said=$notes/incoming/said code='' words=''
  if ((left <= 0)); then
    why="The bundle did not arrive within $stage_seconds s."
    return 2
  fi
  case $(fetcher) in
    curl) code=$(printf 'url = "%s"\n' "$url" | timeout --foreground -k 5 "$left" curl -q -K - -sS -o "$to" -w '%{http_code}' --connect-timeout 15 --speed-limit 1024 --speed-time 30 2>"$said") ;;
    wget)
      # Asked for words, it would tell the address, too. (wget(1), "Exit status".)
      printf '%s\n' "$url" | timeout --foreground -k 5 "$left" wget -i - -q -O "$to" -t 1 -T 30 --content-on-error 2>"$said"
      case $? in
        0) code=200 ;;
        8) code="an error" ;; # it does not tell which
        3) words="wget could not write the file." ;;
        4) words="wget could not reach the server, or lost it." ;;
        5) words="wget does not trust the certificate of the server." ;;
        *) words="wget failed." ;;
      esac
      ;;
    python3) code=$(printf '%s\n' "$url" | timeout --foreground -k 5 "$left" python3 -c "$by_python" "$to" 2>"$said") ;;
    *)
      why="There is no curl, no wget and no python3 to fetch the bundle with."
      return 2
      ;;
  esac
  [ "$code" != 200 ] || return 0
  if [ -z "$code" ] || [ "$code" = 000 ]; then
    # Of a certificate curl says in its first line what is wrong with it, and in its last one where to read on; Python in its last one.
    words=${words:-$({ grep -m 1 '^curl: (' "$said" || tail -n 1 "$said"; } | cut -c 1-200)}
    why="The bundle did not arrive: $words"
    return 1
  fi
  why="S3 answered $code$(head -c 4000 -- "$to" | tr '\n' ' ' | sed -n 's:.*<Code>\([^<]*\)</Code>.*<Message>\([^<]*\)</Message>.*: (\1\: \2):p')."
  [[ $code != 4* ]] || return 2
  return 1
}

fetcher() {
  local one
  for one in curl wget python3; do
    if command -v "$one"; then
      echo "$one"
      return
    fi
  done | tail -n 1
}

# Three times, and only what is whole counts.
arrive() {
  local to=$1 try got
  for try in 1 2 3; do
    rm -f -- "$to"
    fetch "$to"
    case $? in
      0)
        got=$(sha256sum <"$to" | cut -c 1-64)
        [ "$got" != "$sha256" ] || return 0
        why="The bundle did not arrive whole: $(stat -c %s -- "$to") of $size bytes with the sha256 $got, and not $sha256."
        ;;
      2) break ;;
    esac
    echo "Try $try: $why"
    sleep $((try * pause))
  done
  rm -f -- "$to"
  fail "$why"
}

enough_room() {
  local free inodes
  free_in "$app"
  free=$REPLY
  ((free < 0 || free >= needed)) || fail "The disk is too full: $((free >> 20)) MB are free below $folder, and the release takes $(((needed >> 20) + 1)) MB."
  inodes=$(df --output=iavail -- "$app" | tail -n 1)
  [[ $inodes =~ ^\ *[0-9]+$ ]] || return 0 # some file systems do not count them
  ((inodes == 0 || inodes >= files)) || fail "The disk has room for $((inodes)) more files, and the release has $files."
}

# What the table of the app says of the tree: who it belongs to, and which of its paths outlive it.
settle() {
  local tree=$1 owner='' kind what path at
  while IFS=$'\t' read -r kind what path <&8; do
    [ "$kind" != owner ] || owner=$what
  done 8<"$2"
  [ -z "$owner" ] || chown -hR -- "$owner" "$tree" || fail "The release cannot be given to $owner."
  while IFS=$'\t' read -r kind what path <&8; do
    [ "$kind" = shared ] || continue
    at=$app/shared/$path
    if [ "$what" = folder ] && [ ! -d "$at" ]; then
      mkdir -p -- "$at" || fail "The shared folder $at cannot be made."
      [ -z "$owner" ] || chown -- "$owner" "$at" || fail "$at cannot be given to $owner."
    fi
    [ -e "$at" ] || fail "$at is not there, and the release needs it: put it there, or take it out of shared."
    rm -rf -- "${tree:?}/$path" && mkdir -p -- "$(dirname -- "$tree/$path")" && ln -s -- "$at" "$tree/$path" || fail "The link to $at cannot be made."
  done 8<"$2"
}

unpack() {
  local bundle=$1 part=$2 said
  rm -rf -- "$part" && mkdir -- "$part" || fail "$part cannot be made."
  # Files get the time at which they arrive: a web server takes a file of the same size and time for the same file.
  said=$(tar -xzmpf "$bundle" -C "$part" --no-same-owner 2>&1) || {
    rm -rf -- "$part"
    fail "The bundle cannot be unpacked: ${said%%$'\n'*}"
  }
  settle "$part/release" "$part/app"
}

main() {
  local part=$app/releases/.$release.part bundle=$notes/incoming/$sha256.tar.gz to=$notes/releases/$release
  begin
  own
  if has "$release"; then
    noted "$release" content
    [ "$REPLY" = "$content" ] || fail "Release $release_id is here already, with other content: give this one another id."
    echo "Release $release_id is here already."
    state_of "$release"
    case $REPLY in failed | rolledBack) [ "$release" = "$live" ] || note "$release" state staged ;; esac
    succeed
  fi
  [ ! -e "$app/releases/$release" ] || fail "$app/releases/$release is there, and Ropeway has not put it there: move it away."
  # Who fails never comes to the end of a deployment, and fills the disk with what failed.
  tidy || echo "$why"
  enough_room
  arrive "$bundle"
  unpack "$bundle" "$part"
  rm -f -- "$bundle"
  mkdir -p -- "$to" && mv -f -- "$part/app" "$to/app" || fail "The notes of the release cannot be written."
  note "$release" state staged
  next_order
  note "$release" order "$REPLY"
  note "$release" content "$content"
  sync -f -- "$part" || sync # it must still be whole when the power fails after we have said so
  mv -T -- "$part/release" "$app/releases/$release" || fail "The release cannot be put into its place."
  rm -rf -- "$part"
  echo "Release $release_id is staged."
  succeed
}
