#!/usr/bin/env bash
# `[?]` in YAML: a list of one pair whose key and value are empty.
#
# Expected: the C loader of PyYAML reads what the Python loader of the same release reads.
# Seen: with PyYAML 6.0.2 (libyaml 0.2.5) the C loader refuses `[?]` and `[a, ?]`; with 6.0.4 (libyaml 0.2.6) it reads
# both, as the Python loader does in either. `[?, a]` it refuses with either, which the Python loader reads. So a file can
# turn valid by an upgrade of a wheel, and be valid or not by whether the machine has the C loader.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv

cat > read.py <<'PYTHON'
import yaml

for text in ("[?]", "[?, a]", "[a, ?]"):
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        try:
            result = yaml.load(text, Loader=loader)
        except yaml.YAMLError as error:
            result = error.problem
        print(yaml.__version__, loader.__name__, text, result)
PYTHON
for release in pyyaml==6.0.2 pyyaml==6.0.4; do
  venv/bin/pip install --quiet --disable-pip-version-check "$release"
  venv/bin/python read.py
done | tee seen

cat > expected <<'TEXT'
6.0.2 CSafeLoader [?] did not find expected ',' or ']'
6.0.2 SafeLoader [?] [{None: None}]
6.0.2 CSafeLoader [?, a] did not find expected ',' or ']'
6.0.2 SafeLoader [?, a] [{None: None}, 'a']
6.0.2 CSafeLoader [a, ?] did not find expected ',' or ']'
6.0.2 SafeLoader [a, ?] ['a', {None: None}]
6.0.4 CSafeLoader [?] [{None: None}]
6.0.4 SafeLoader [?] [{None: None}]
6.0.4 CSafeLoader [?, a] did not find expected ',' or ']'
6.0.4 SafeLoader [?, a] [{None: None}, 'a']
6.0.4 CSafeLoader [a, ?] ['a', {None: None}]
6.0.4 SafeLoader [a, ?] ['a', {None: None}]
TEXT
diff expected seen
echo "as seen: one loader of two reads it, and which texts it reads depends on the wheel"
