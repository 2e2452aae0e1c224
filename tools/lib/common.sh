# What the scripts in tools/ share; source it after `set -euo pipefail`. bash 5, Debian 12.
# shellcheck shell=bash

HEARTH_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$HEARTH_ROOT" || exit 1
export LC_ALL=C.UTF-8
# A build host often runs this as root over a checkout of another user, which git refuses otherwise.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$HEARTH_ROOT

export HEARTH_JOBS=${HEARTH_JOBS:-$(nproc)}
# ccache only where somebody installed it; the environment wins.
if [[ -z ${CMAKE_CXX_COMPILER_LAUNCHER-} ]] && command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi

if [[ -t 1 && -z ${NO_COLOR-} ]]; then
  HEARTH_BOLD=$'\e[1m' HEARTH_RED=$'\e[31m' HEARTH_GREEN=$'\e[32m' HEARTH_PLAIN=$'\e[0m'
else
  HEARTH_BOLD='' HEARTH_RED='' HEARTH_GREEN='' HEARTH_PLAIN=''
fi

die() {
  printf '%s%s%s\n' "$HEARTH_RED" "$*" "$HEARTH_PLAIN" >&2
  exit 1
}

# packages_of SECTION…: the packages of these sections of tools/packages.txt, one per line.
packages_of() {
  awk -v wanted=" $* " '
    { sub(/#.*/, ""); gsub(/[ \t]/, "") }
    /^\[.*\]$/ { on = index(wanted, " " substr($0, 2, length($0) - 2) " ") > 0; next }
    on && NF' tools/packages.txt
}

# missing_packages SECTION…: those of them that are not installed.
missing_packages() {
  local package
  for package in $(packages_of "$@"); do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || echo "$package"
  done
}

# install_packages SECTION…: asks apt-get only when something is missing.
install_packages() {
  local missing as_root=()
  missing=$(missing_packages "$@")
  [[ -n $missing ]] || return 0
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || die "missing packages, as root run: apt-get install ${missing//$'\n'/ }"
    as_root=(sudo)
  fi
  echo "installing: ${missing//$'\n'/ }"
  # shellcheck disable=SC2086  # one word per package
  "${as_root[@]}" apt-get -qq update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -qq -y --no-install-recommends install $missing
}

# cpp_files: every C++ file of the project, tracked or new.
cpp_files() {
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard -- '*.cc' '*.h' | existing
  else
    find . -path ./build -prune -o -path ./.git -prune -o \( -name '*.cc' -o -name '*.h' \) -print | sed 's|^\./||' | sort
  fi
}

# existing: passes on the names of files that are there.
existing() {
  local file
  while IFS= read -r file; do
    [[ ! -f $file ]] || printf '%s\n' "$file"
  done
}

HEARTH_STEP=0
HEARTH_STEPS=${HEARTH_STEPS:-0}
HEARTH_LOGS=build/logs
HEARTH_LAST_LOG=''

# step NAME COMMAND…: runs the command with its output in build/logs, prints one line with the seconds it
# took; when it fails, prints the end of the log and ends the script. A function run as a step chains its
# commands with &&: bash ignores `set -e` inside.
step() {
  local name=$1 log status=0 began=$SECONDS
  shift
  HEARTH_STEP=$((HEARTH_STEP + 1))
  mkdir -p "$HEARTH_LOGS"
  log=$HEARTH_LOGS/$(printf '%02d-%s' "$HEARTH_STEP" "$(tr -cs 'a-zA-Z0-9\n' '-' <<<"$name")").log
  printf '%s[%d/%d]%s %s ... ' "$HEARTH_BOLD" "$HEARTH_STEP" "$HEARTH_STEPS" "$HEARTH_PLAIN" "$name"
  # shellcheck disable=SC2034  # tools/test reads it
  HEARTH_LAST_LOG=$log
  ("$@") >"$log" 2>&1 </dev/null || status=$?
  if [[ $status -eq 0 ]]; then
    printf '%sok%s, %d s%s\n' "$HEARTH_GREEN" "$HEARTH_PLAIN" $((SECONDS - began)) "$(step_note "$log")"
    return
  fi
  printf '%sFAILED%s after %d s\n' "$HEARTH_RED" "$HEARTH_PLAIN" $((SECONDS - began))
  tail -n "${HEARTH_TAIL:-60}" "$log"
  die "FAILED at step $HEARTH_STEP: $name (status $status); whole log: $log"
}

# step_note LOG: what of the log belongs on the progress line: a line "note: …", or ctest's summary.
step_note() {
  local note
  note=$(sed -n 's/^note: //p; s/^\(.*tests passed, .*\)$/\1/p' "$1" | tail -n 1)
  [[ -z $note ]] || printf ' (%s)' "$note"
}
