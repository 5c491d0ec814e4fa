#!/usr/bin/env bash
# carry.sh CORPUS MODEL SAMBA OUT [SHARD...]: what a run on a GPU host needs, for hosts that reach no network and take some 64 MiB a call.
#
# Lays OUT/a to OUT/e out, each some 50 MiB at most: the model folder to go on from with the small shards, the corpus's larger shards, the
# samba command. SHARD...: further dialogues, the first of them in a, the others in e. lease.sh takes the parts, in this order, and trains.
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2; }
corpus=$1 model=$2 samba=$3 out=$4
shift 4
for file in "$corpus"/{authored-00,stories-00,stories-01,wikipedia-00,wikipedia-01,wikipedia-02,wikipedia-03}.jsonl.xz \
  "$model"/{config,tokenizer,tokenizer_config}.json "$samba" "$@"; do
  [ -f "$file" ] || { echo "carry.sh: $file is missing" >&2; exit 1; }
done
rm -rf "$out"/{a,b,c,d,e}
mkdir -p "$out"/{a/model,b,c,d,e}
cp "$model"/*.json "$model"/*.safetensors "$out/a/model"
mv "$out/a/model/tokenizer.json" "$out/a"
cp "$corpus"/{authored-00,wikipedia-01}.jsonl.xz "$out/a"
cp "$corpus/wikipedia-00.jsonl.xz" "$out/b"
cp "$corpus/stories-01.jsonl.xz" "$out/c"
cp "$corpus/stories-00.jsonl.xz" "$out/d"
xz -3 -T2 -c "$samba" >"$out/e/samba.xz"
cp "$corpus"/wikipedia-0[23].jsonl.xz "${@:2}" "$out/e"
[ $# = 0 ] || cp "$1" "$out/a"
du -sm "$out"/?
