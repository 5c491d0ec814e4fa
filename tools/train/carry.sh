#!/usr/bin/env bash
# carry.sh CORPUS MODEL OUT: what a run on a GPU host needs, for hosts that reach no network and take some 64 MiB a call.
#
# Lays OUT/a to OUT/d out, each below 60 MiB: the corpus's shards in three, then the model folder to go on from. Send
# them in this order to a host that holds this repository, and run each folder's run.sh from the repository's root:
# a to c encode their shards into DATA (default /tmp/data), d trains for the seconds that it is given (default 570)
# on every GPU there is and leaves what travels home in HOME_PARTS (default: the environment's OUT, else /tmp/home).
set -euo pipefail
[ $# = 3 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
corpus=$1 model=$2 out=$3
for file in "$corpus/chat-00.jsonl.xz" "$corpus/stories-00.jsonl.xz" "$corpus/stories-01.jsonl.xz" \
  "$corpus/wikipedia-00.jsonl.xz" "$corpus/wikipedia-01.jsonl.xz" "$model/config.json" "$model/tokenizer.json"; do
  [ -f "$file" ] || { echo "carry.sh: $file is missing" >&2; exit 1; }
done
mkdir -p "$out"/{a,b,c,d}
# The last shard of each kind comes first: the documents held out are the last ones of that shard, whatever follows.
cp -f "$corpus"/{chat-00,stories-01,wikipedia-01}.jsonl.xz "$out/a"
cp -f "$corpus"/stories-00.jsonl.xz "$out/b"
cp -f "$corpus"/wikipedia-00.jsonl.xz "$out/c"
cp -f "$model"/*.json "$model"/*.safetensors "$out/d"

encode() { # FOLDER FLAG: its run.sh
  cp -f "$model/tokenizer.json" "$out/$1"
  cat > "$out/$1/run.sh" <<RUN
set -euo pipefail
here=\$(realpath "\$(dirname "\$0")")
cd tools/train
time "\${PYTHON:-python3}" data.py "\$here"/*.xz --tokenizer "\$here/tokenizer.json" --out "\${DATA:-/tmp/data}" $2
RUN
}
encode a --allow-truncated
encode b --more-follow
encode c --more-follow
cat > "$out/d/run.sh" <<'RUN'
set -euo pipefail
here=$(realpath "$(dirname "$0")") seconds=${1:-570} begun=$SECONDS
cd tools/train
home=${HOME_PARTS:-${OUT:-/tmp/home}} gpus=$(nvidia-smi -L | wc -l)
"${PYTHON:-python3}" bench.py --no-steps --shapes 32,4,2 32,2,1 64,4,4 --best /tmp/scan
"${PYTHON:-python3}" pipeline.py --data "${DATA:-/tmp/data}" --tokenizer "$here/tokenizer.json" --init "$here" --seed "${SEED:-1}" \
  --processes "$gpus" --batch $((16 * gpus)) --seconds $((seconds - (SECONDS - begun))) --scan "$(cat /tmp/scan)" \
  --work /tmp/run --home "$home" "${@:2}" > /tmp/pipeline.txt 2>&1 || { tail -30 /tmp/pipeline.txt; exit 1; }
tail -60 /tmp/pipeline.txt
RUN
du -sh "$out"/?
