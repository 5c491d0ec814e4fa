#!/usr/bin/env bash
# One training run on a host that is lent for half an hour, in several calls, from the repository's root.
#
#   lease.sh first PART            takes PART (carry.sh's a): makes dialogues, encodes, and rehearses every stage on the GPUs
#   lease.sh more PART             takes another part and encodes its shards; the command does not wait for that
#   lease.sh train PART SECONDS    takes the last part, waits for the encoders, trains for SECONDS, watches
#   lease.sh watch [WAIT]          shows how far it is, for WAIT seconds (default 560) or until all is done
#   lease.sh home STAGE            copies that stage's model folder (mean: halfway between tune and recall), in parts for parts.py, and
#                                  all logs to $OUT; where samba convert failed, model.pth in more parts than a call takes: a second
#                                  word, 0[0-3] or so, chooses some
#
# What trains runs on between the calls. It goes on from the part's model folder, four bits with the rounding in the loop:
# pretraining on the last FIRST GPUs (default: all but one, so that the first can measure), then tuning and recall on the last
# ALL (default: all of them).
# A stage that fails begins again from what was saved last, with half the batch. TOGETHER=1: dialogues of a row know of each other.
# LR is pretraining's peak, TEXT the share of text in its rows without keys, KEYS the share of rows with keys; TUNE and RECALL are
# these stages' percent of the time. COPIES processes make dialogues, SCALE times the usual number each, with seeds from SEEDS + 1 on.
# Where something measures on the first GPU meanwhile: ALONE=1 rehearses on the last one only, AFTER=FILE begins training when
# that file is there. TINY=1 rehearses on a CPU. Everything lies in LEASE (default /tmp/lease).
set -uo pipefail
lease=${LEASE:-/tmp/lease} python=${PYTHON:-python3}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-4} PYTHONUNBUFFERED=1 LEASE=$lease PYTHON=$python
gpus=$( [ -n "${TINY:-}" ] && echo "${PROCESSES:-3}" || nvidia-smi -L | wc -l)

cards() { # COUNT: that many GPUs, the last ones, since a browser takes the first
  seq -s, $((gpus - $1)) $((gpus - 1))
}

first=${FIRST:-$((gpus > 1 ? gpus - 1 : 1))} all=${ALL:-$gpus}

take() { # PART: its files, out of the way of the next call
  mkdir -p "$lease"/{in,data,log,home}
  cp -rf "$1"/* "$lease/in/" || exit 1
  [ ! -f "$1/samba.xz" ] || { xz -dc "$lease/in/samba.xz" >"$lease/samba" && chmod +x "$lease/samba" && "$lease/samba" convert --help >/dev/null; } || exit 1
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

make_dialogues() { # each process a shard, then encodes them
  local copy
  for copy in $(seq -f %02g "${COPIES:-16}"); do
    (cd "$lease/train" && "$python" -m dialogues --out "$lease/in/generated-$copy.jsonl.xz" --seed "$((${SEEDS:-0} + 10#$copy))" --scale "${SCALE:-0.125}" \
      --authored "$lease/in/authored-00.jsonl.xz") &
  done
  wait
  "$python" "$lease/train/data.py" "$lease"/in/generated-[0-9]*.xz --tokenizer "$lease/in/tokenizer.json" --out "$lease/data"
}

options() { # COUNT BATCH-DIVISOR: the pipeline's on that many GPUs
  local batch=16
  [ -z "${TINY:-}" ] || batch=8
  echo --tokenizer "$lease/in/tokenizer.json" --processes "$1" --batch $((batch * $1 / $2)) --bits 4 --embedding-bits 4 \
    --lr "${LR:-1.5e-3}" --mix-from 0 --text-share "${TEXT:-0.35}" --recall-share "${KEYS:-0.3}"
  [ -n "${TOGETHER:-}" ] || echo --apart
  if [ -n "${TINY:-}" ]; then echo --device cpu --workers 1; else echo --scan 32,2,1 --workers $((30 / $1 < 12 ? 30 / $1 : 12)); fi
}

rehearse() { # once the small shards are encoded: on as many GPUs as each stage has
  until [ -f "$lease/log/encode-first.rc" ]; do sleep 0.5; done
  mkdir -p "$lease/small"
  cp "$lease"/data/{authored,wikipedia-01}* "$lease/small/"
  local count
  for count in $(printf '%s\n' ${ALONE:-"$first" "$all"} | sort -nu); do
    # shellcheck disable=SC2046
    CUDA_VISIBLE_DEVICES=$(cards "$count") "$python" "$lease/train/pipeline.py" --data "$lease/small" $(options "$count" 1) \
      --init "$lease/in/model" --seconds 600 --rehearse "${REHEARSE:-24}" --work "$lease/rehearsal/$count" || return 1
  done
}

train() { # UNTIL: until that time of day, and makes what goes home
  local until=$1 begun count stages seconds divisor init=$lease/in/model status=1 attempt part tune recall
  begun=$(date +%s)
  tune=$(((until - begun) * ${TUNE:-28} / 100)) recall=$(((until - begun) * ${RECALL:-12} / 100))
  for part in "$first pretrain" "$all tune recall"; do
    count=${part%% *} stages=${part#* } divisor=1
    for attempt in 1 2; do
      seconds=$((until - $(date +%s)))
      [ "$stages" = pretrain ] && seconds=$((seconds - tune - recall))
      [ "$seconds" -ge "${LEAST:-60}" ] || break
      # shellcheck disable=SC2046,SC2086
      CUDA_VISIBLE_DEVICES=$(cards "$count") "$python" "$lease/train/pipeline.py" --data "$lease/data" $(options "$count" "$divisor") \
        --init "$init" --stages $stages --seconds "$seconds" --tune-seconds $((seconds * 70 / 100)) --recall-seconds "$recall" \
        --seed $((${SEED:-5} + attempt)) --port 295$count$attempt --work "$lease/run/$attempt"
      status=$?
      [ "$status" = 0 ] && break
      echo "attempt $attempt of $stages failed with $status"
      divisor=2
    done
    for attempt in 1 2; do [ -f "$lease/run/$attempt/pretrain/model.pth" ] && init=$lease/run/$attempt/pretrain/model.pth; done
  done
  local stage path card=0
  for stage in mean recall tune pretrain; do # the last of each, whichever attempt made it
    [ "$stage" != mean ] || mean || continue
    path=$(ls -t "$lease"/run/*/"$stage/model.pth" 2>/dev/null | head -1)
    [ -n "$path" ] && { home "$stage" "$path" "$card" & }
    card=$((gpus - 1))
  done
  wait
  return "$status"
}

mean() { # what is halfway between tuning and recall
  local halves=("$lease"/run/*/{tune,recall}/model.pth)
  [ ${#halves[@]} = 2 ] && [ -f "${halves[0]}" ] && [ -f "${halves[1]}" ] && mkdir -p "$lease/run/1/mean" &&
    "$python" "$lease/train/average.py" "${halves[@]}" --out "$lease/run/1/mean/model.pth"
}

home() { # STAGE MODEL CARD: the model folder in parts, and its answers to the questions
  local to=$lease/home/$1 rounded="--bits 4 --embedding-bits 4"
  mkdir -p "$to"
  # shellcheck disable=SC2086
  (cd "$to" && "$lease/samba" convert --from "$2" $rounded --tokenizer "$lease/in/tokenizer.json" \
    --tokenizer-config "$lease/in/model/tokenizer_config.json" --to model && "$python" "$lease/train/parts.py" pack model --out . --count 3) ||
    (cd "$(dirname "$2")" && "$python" "$lease/train/parts.py" pack model.pth --out "$to")
  # shellcheck disable=SC2086
  CUDA_VISIBLE_DEVICES=$3 timeout 150 "$python" "$lease/train/answers.py" "$2" --tokenizer "$lease/in/tokenizer.json" \
    --questions "$lease/train/questions.jsonl" $rounded ${ANSWERS:-} --json "$lease/home/$1.json" >"$lease/log/answers-$1.txt" 2>&1
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

watch() { # WAIT
  local end=$((SECONDS + $1)) next=0
  until [ -f "$lease/log/train.rc" ] || [ $SECONDS -ge $end ]; do
    [ $SECONDS -ge $next ] && { progress; next=$((SECONDS + ${EVERY:-60})); }
    sleep 1
  done
  progress
  [ -f "$lease/log/train.rc" ] || { echo "still training"; return; }
  tail -n 30 "$lease"/log/answers-*.txt
  tail -n 6 "$lease"/log/train.txt
  ls -l "$lease"/home/*/
}

case ${1:-} in
first)
  date -u +%T
  rm -rf "$lease"
  take "$2"
  cp -r tools/train "$lease/train" || exit 1
  background make bash "$lease/train/lease.sh" dialogues
  encode first --allow-truncated $(cd "$lease/in" && ls authored-*.xz wikipedia-01*.xz)
  for shard in "$2"/generated-*.xz; do
    [ ! -f "$shard" ] || encode "$(basename "${shard%.jsonl.xz}")" "" "$(basename "$shard")"
  done
  background rehearse bash "$lease/train/lease.sh" rehearse
  nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2>/dev/null
  "$python" -c 'import torch, triton; print(torch.__version__, triton.__version__, torch.cuda.device_count())'
  nproc
  free -g | head -2
  ;;
dialogues) make_dialogues ;;
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
  while [ -n "$(for log in "$lease"/log/{make,encode-*}.txt; do [ -f "${log%.txt}.rc" ] || echo "$log"; done)" ]; do sleep 0.5; done
  echo "encoded after $((SECONDS - begun)) s"
  # A rehearsal that takes too long gives way.
  until [ -f "$lease/log/rehearse.rc" ] || [ $((SECONDS - begun)) -ge "${PATIENCE:-90}" ]; do sleep 0.5; done
  [ -f "$lease/log/rehearse.rc" ] || { kill -- -"$(cat "$lease/log/rehearse.pid")"; sleep 3; }
  grep -h '"ready"\|"memory"\|tokens_s' "$lease"/rehearsal/*/*/log.jsonl | cut -c1-200
  echo "rehearsed after $((SECONDS - begun)) s"
  until [ -z "${AFTER:-}" ] || [ -f "$AFTER" ] || [ $((SECONDS - begun)) -ge "${PATIENCE:-90}" ]; do sleep 0.5; done
  progress
  tail -n 3 "$lease"/log/{make,encode-*}.txt
  background train bash "$lease/train/lease.sh" until $(($(date +%s) + $3 - (SECONDS - begun)))
  watch $((${WAIT:-570} - SECONDS))
  ;;
until) train "$2" ;;
watch)
  date -u +%T
  watch "${2:-560}"
  ;;
home)
  mkdir -p "$OUT"
  # shellcheck disable=SC2086
  cp "$lease/home/$2"/part-${3:-*}.xz "$OUT/"
  (cd "$lease" && tar cJf "$OUT/logs.tar.xz" log home/*.json run/*/*/log.jsonl run/*/plan.json rehearsal/*/*/log.jsonl)
  ls -l "$OUT"
  ;;
*)
  sed -n '2,21s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac
