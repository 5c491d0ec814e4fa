#!/usr/bin/env bash
# One training run on a host that is lent for half an hour, in several calls, from the repository's root.
#
#   lease.sh first PART            takes PART (carry.sh's a): copies the trainer, encodes, and rehearses every stage on the GPUs
#   lease.sh more PART             takes another part and encodes its shards; the command does not wait for that
#   lease.sh train PART SECONDS    takes the last part, waits for the encoders, trains for SECONDS, watches
#   lease.sh watch [WAIT]          shows how far it is, for WAIT seconds (default 560) or until all is done
#   lease.sh retry NAME            ends a candidate's attempt that hangs; the next one begins
#   lease.sh home NAME STAGE       copies that candidate's model folder, in parts for parts.py, and all logs to $OUT; where samba convert
#                                  failed, model.pth in more parts than a call takes: a third word, 0[0-3] or so, chooses some
#
# What trains runs on between the calls. Two candidates train at the same time: 63m, four bits with the rounding in the loop, from
# scratch, on all GPUs but one; 33m, eight bits, going on from the part's model folder, on the last one. ONLY=63m or ONLY=33m gives
# one of them all GPUs. A candidate that fails starts again from what it saved, with half the batch. TINY=1 rehearses on a CPU.
# Everything lies in LEASE (default /tmp/lease).
set -uo pipefail
lease=${LEASE:-/tmp/lease} python=${PYTHON:-python3}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-4} PYTHONUNBUFFERED=1 LEASE=$lease PYTHON=$python
gpus=$( [ -n "${TINY:-}" ] && echo "${PROCESSES:-3}" || nvidia-smi -L | wc -l)

names() { # the candidates
  if [ -n "${ONLY:-}" ]; then echo "$ONLY"; elif [ "$gpus" = 1 ]; then echo 33m; else echo 63m 33m; fi
}

cards() { # NAME: its GPUs
  if [ "$(names)" = "$1" ]; then seq -s, 0 $((gpus - 1)); elif [ "$1" = 63m ]; then seq -s, 0 $((gpus - 2)); else echo $((gpus - 1)); fi
}

take() { # PART: its files, out of the way of the next call
  mkdir -p "$lease"/{in,data,log,home}
  cp -rf "$1"/* "$lease/in/" || exit 1
}

background() { # NAME COMMAND...: runs on after the call, its output in log/NAME.txt, its exit status in log/NAME.rc
  local name=$1
  shift
  rm -f "$lease/log/$name.rc"
  # shellcheck disable=SC2016
  setsid nohup bash -c '"${@:2}" >"$1.txt" 2>&1 </dev/null; echo $? >"$1.rc"' - "$lease/log/$name" "$@" >/dev/null 2>&1 </dev/null &
  echo $! >"$lease/log/$name.pid"
}

encode() { # NAME FLAGS SHARDS: in the background
  local name=$1 flags=$2
  shift 2
  # shellcheck disable=SC2086
  background "encode-$name" "$python" "$lease/train/data.py" "${@/#/$lease/in/}" --tokenizer "$lease/in/tokenizer.json" --out "$lease/data" $flags
}

options() { # NAME BATCH-DIVISOR: the pipeline's
  local count batch=16
  count=$(cards "$1" | tr , '\n' | wc -l)
  [ "$1" = 63m ] || batch=32
  [ -z "${TINY:-}" ] || batch=8
  echo --tokenizer "$lease/in/tokenizer.json" --processes "$count" --batch $((batch * count / $2))
  if [ -n "${TINY:-}" ]; then echo --device cpu --workers 1; else echo --scan 32,2,1 --workers 10; fi
  case $1 in
  63m) echo --bits 4 --embedding-bits 4 --lr 2e-3 --port 29511 --config "${CONFIG:-$lease/train/63m.json}" ;;
  33m) echo --lr 2e-3 --port 29611 ;;
  esac
}

rehearse() { # once the small shards are encoded
  until [ -f "$lease/log/encode-first.rc" ]; do sleep 0.5; done
  mkdir -p "$lease/small"
  cp "$lease"/data/{authored,wikipedia-01}* "$lease/small/"
  local name
  for name in $(names); do
    # shellcheck disable=SC2046
    CUDA_VISIBLE_DEVICES=$(cards "$name") background "rehearse-$name" "$python" "$lease/train/pipeline.py" --data "$lease/small" \
      $(options "$name" 1) $([ "$name" = 63m ] || echo --init "$lease/in/model") --seconds 600 --rehearse 3 --work "$lease/rehearsal/$name"
  done
}

candidate() { # NAME UNTIL: trains until that time of day, and makes what goes home
  local name=$1 until=$2 attempt left init stages divisor extra status=1 work
  for attempt in 1 2 3; do
    left=$((until - $(date +%s)))
    [ "$left" -ge "${LEAST:-100}" ] || break
    stages="pretrain tune recall" divisor=$attempt extra=""
    [ "$attempt" != 1 ] && divisor=2
    [ "$attempt" = 3 ] && extra="--bits 0 --workers 0"
    init=$([ "$name" = 63m ] || echo "--init $lease/in/model")
    local before
    for before in $(seq 1 $((attempt - 1))); do # go on from the last that an attempt saved
      for stage in pretrain tune; do
        work=$lease/run/$name-$before/$stage
        [ -f "$work/model.pth" ] || continue
        init="--init $work/model.pth"
        if grep -q '"finished"' "$work/log.jsonl"; then
          [ "$stage" = pretrain ] && stages="tune recall" || stages=recall
        fi
      done
    done
    # shellcheck disable=SC2046,SC2086
    "$python" "$lease/train/pipeline.py" --data "$lease/data" $(options "$name" "$divisor") $init --stages $stages --seconds "$left" \
      --tune-seconds $((left * 12 / 100)) --recall-seconds $((left * 10 / 100)) --seed "$attempt" --work "$lease/run/$name-$attempt" $extra &
    echo $! >"$lease/log/pipeline-$name.pid"
    wait $!
    status=$?
    [ "$status" = 0 ] && break
    echo "attempt $attempt of $name failed with $status"
  done
  # The last of each stage, whichever attempt made it.
  local stage path card
  card=${CUDA_VISIBLE_DEVICES%%,*}
  for stage in pretrain tune recall; do
    path=$(ls -t "$lease/run/$name"-*/"$stage/model.pth" 2>/dev/null | head -1)
    [ -n "$path" ] || continue
    home "$name" "$stage" "$path" "$card" &
    card=$((card + 1))
    [[ ",$CUDA_VISIBLE_DEVICES," == *",$card,"* ]] || card=${CUDA_VISIBLE_DEVICES%%,*}
  done
  wait
  return $status
}

home() { # NAME STAGE MODEL CARD: the model folder in parts, and its answers to the questions
  local to=$lease/home/$1-$2 bits="--bits 8" rounded=""
  [ "$1" = 63m ] && bits="--bits 4 --embedding-bits 4" rounded=$bits
  mkdir -p "$to"
  # shellcheck disable=SC2086
  [ "$2" = pretrain ] || (cd "$to" && "$lease/samba" convert --from "$3" $bits --tokenizer "$lease/in/tokenizer.json" \
    --tokenizer-config "$lease/in/model/tokenizer_config.json" --to model && "$python" "$lease/train/parts.py" pack model --out . --count 3) ||
    (cd "$(dirname "$3")" && "$python" "$lease/train/parts.py" pack model.pth --out "$to")
  # shellcheck disable=SC2086
  CUDA_VISIBLE_DEVICES=$4 timeout 150 "$python" "$lease/train/answers.py" "$3" --tokenizer "$lease/in/tokenizer.json" \
    --questions "$lease/train/questions.jsonl" $rounded ${ANSWERS:-} --json "$lease/home/$1-$2.json" >"$lease/log/answers-$1-$2.txt" 2>&1
}

progress() {
  local file
  for file in "$lease"/log/*.rc; do
    [ -f "$file" ] && [ "$(cat "$file")" != 0 ] && { echo "FAILED $(basename "$file" .rc):"; tail -5 "${file%.rc}.txt"; }
  done
  for file in "$lease"/run/*/*/log.jsonl; do
    [ -f "$file" ] && find "$file" -mmin -1 | grep -q . && echo "$(date -u +%T) ${file#"$lease/run/"} $(tail -1 "$file" | cut -c1-260)"
  done
  return 0
}

finished() { # whether every candidate has ended
  local name
  for name in $(names); do [ -f "$lease/log/train-$name.rc" ] || return 1; done
}

watch() { # WAIT
  local end=$((SECONDS + $1)) next=0
  until finished || [ $SECONDS -ge $end ]; do
    [ $SECONDS -ge $next ] && { progress; next=$((SECONDS + ${EVERY:-60})); }
    sleep 1
  done
  progress
  finished || { echo "still training"; return; }
  tail -n 30 "$lease"/log/answers-*.txt
  tail -n 6 "$lease"/log/train-*.txt
  ls -l "$lease"/home/*/
}

case ${1:-} in
first)
  date -u +%T
  rm -rf "$lease"
  take "$2"
  cp -r tools/train "$lease/train" || exit 1
  xz -dc "$lease/in/samba.xz" >"$lease/samba" && chmod +x "$lease/samba" && "$lease/samba" convert --help >/dev/null || exit 1
  encode first --allow-truncated $(cd "$lease/in" && ls authored-*.xz wikipedia-01*.xz)
  background rehearse bash "$lease/train/lease.sh" rehearse
  nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2>/dev/null
  "$python" -c 'import torch, triton; print(torch.__version__, triton.__version__, torch.cuda.device_count())'
  nproc
  free -g | head -2
  ;;
rehearse) rehearse ;;
more | train)
  date -u +%T
  take "$2"
  for shard in "$2"/*.jsonl.xz; do
    name=$(basename "$shard")
    # The documents held out are the last ones of stories-01, wikipedia-01 and the dialogues.
    case $name in stories-00.* | wikipedia-*) flags=--more-follow ;; *) flags="" ;; esac
    encode "${name%%.*}" "$flags" "$name"
  done
  progress
  tail -qn 1 "$lease"/log/*.txt | cut -c1-300
  [ "$1" = more ] && exit 0
  begun=$SECONDS
  while [ -n "$(for log in "$lease"/log/encode-*.txt; do [ -f "${log%.txt}.rc" ] || echo "$log"; done)" ]; do sleep 0.5; done
  echo "encoded after $((SECONDS - begun)) s"
  for name in $(names); do # a rehearsal that takes too long gives way
    until [ -f "$lease/log/rehearse-$name.rc" ] || [ $((SECONDS - begun)) -ge "${PATIENCE:-90}" ]; do sleep 0.5; done
    [ -f "$lease/log/rehearse-$name.rc" ] || { kill -- -"$(cat "$lease/log/rehearse-$name.pid")"; sleep 3; }
    grep -h '"ready"\|"memory"\|tokens_s' "$lease/rehearsal/$name"/*/log.jsonl | cut -c1-200
  done
  echo "rehearsed after $((SECONDS - begun)) s"
  progress
  cat "$lease"/log/encode-*.txt
  until=$(($(date +%s) + $3 - (SECONDS - begun)))
  for name in $(names); do
    CUDA_VISIBLE_DEVICES=$(cards "$name") background "train-$name" bash "$lease/train/lease.sh" candidate "$name" "$until"
  done
  watch $((${WAIT:-570} - SECONDS))
  ;;
candidate) candidate "$2" "$3" ;;
watch)
  date -u +%T
  watch "${2:-560}"
  ;;
retry) pkill -KILL -P "$(cat "$lease/log/pipeline-$2.pid")" ;;
home)
  mkdir -p "$OUT"
  # shellcheck disable=SC2086
  cp "$lease/home/$2-$3"/part-${4:-*}.xz "$OUT/"
  (cd "$lease" && tar cJf "$OUT/logs.tar.xz" log home/*.json run/*/*/log.jsonl run/*/plan.json rehearsal/*/*/log.jsonl)
  ls -l "$OUT"
  ;;
*)
  sed -n '2,18s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac
