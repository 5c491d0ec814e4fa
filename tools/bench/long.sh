#!/usr/bin/env bash
# Long texts on a host with a GPU, all of it in one call: tools/bench/README.md.
#
#   tools/bench/long.sh FOLDER [short|long|batch|soak]
#
# leaves FOLDER/NAME.{txt,json,svg} of each measurement. Each ends by itself after a while and then keeps what it has.
# The environment may say otherwise: SAMBA (the program), BACKEND, SHAPE, SIZES, TOKENS, PROMPT, BATCH, BATCH_TOKENS,
# MODEL and SOAK_SECONDS (of the soak), and CHROME and CHROME_GPU_FLAGS as for every samba command.
set -uo pipefail
out=${1:?which folder for the results}
plan=${2:-short}
samba=${SAMBA:-bin/samba} backend=${BACKEND:-chromium} shape=${SHAPE:-1.7B}
mkdir -p "$out"
failed=0

# measure NAME SECONDS ARGUMENTS...: after this many seconds as after Ctrl-C.
measure() {
  local name=$1 seconds=$2 start=$SECONDS; shift 2
  echo "== $name: samba bench $*"
  timeout -s INT -k 30 "$seconds" "$samba" bench "$@" --backend "$backend" --json "$out/$name.json" --plot "$out/$name.svg" >"$out/$name.txt" 2>"$out/$name.err"
  local code=$?
  cat "$out/$name.txt"
  [ $code = 0 ] || { tail -n 3 "$out/$name.err"; failed=1; }
  echo "-- $name: $((SECONDS - start)) s, status $code"
}

case $plan in
  short) # five minutes
    measure prompt 150 long-prompt --random "$shape" --sizes "${SIZES:-1K,4K,16K,64K,128K}"
    measure write 90 long-generate --random "$shape" --tokens "${TOKENS:-16384}"
    measure behind 150 long-generate --random "$shape" --prompt "${PROMPT:-31000}" --tokens "${BATCH_TOKENS:-1700}" --batch "${BATCH:-16}" ;;
  long) # ten minutes at most
    measure write-long 580 long-generate --random "$shape" --tokens "${TOKENS:-65536}" ;;
  batch) # ten minutes
    measure batch 590 long-generate --random "$shape" --tokens "${BATCH_TOKENS:-32768}" --batch "${BATCH:-16}" ;;
  soak) # ten minutes at most a call, or SOAK_SECONDS
    measure soak "${SOAK_SECONDS:-580}" soak --model "${MODEL:-www/models/default}" --tokens "${TOKENS:-1000000}" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
exit $failed
