#!/usr/bin/env bash
# A price held to whole cents: `{"multipleOf": 0.01}`, as schemas of orders and price lists have it.
#
# Expected: validators of one draft agree about 19.99.
# Seen: jsonschema 4.26.0 (and check-jsonschema 0.39.0, which asks it) divides binary floats and refuses 19.99, 4.35 and
# 0.07; jsonschema-rs 0.61.2 compares decimals and takes all three. A file that one tool of a pipeline calls valid, the
# other one refuses. With prices as text and a pattern, or as whole cents, both agree.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jsonschema==4.26.0 jsonschema-rs==0.61.2 check-jsonschema==0.39.0

cat > schema.json <<'JSON'
{"$schema": "https://json-schema.org/draft/2020-12/schema",
 "type": "array", "items": {"type": "number", "multipleOf": 0.01}}
JSON
printf -- '- 19.99\n- 4.35\n- 0.07\n- 20.25\n' > prices.yaml

cat > compare.py <<'PYTHON'
import json

import jsonschema
import jsonschema_rs

schema = json.load(open("schema.json"))["items"]
for price in (19.99, 4.35, 0.07, 20.25):
    one = jsonschema.Draft202012Validator(schema).is_valid(price)
    other = jsonschema_rs.validator_for(schema).is_valid(price)
    print(price, "jsonschema", one, "jsonschema-rs", other)
PYTHON

cat > expected <<'TEXT'
19.99 jsonschema False jsonschema-rs True
4.35 jsonschema False jsonschema-rs True
0.07 jsonschema False jsonschema-rs True
20.25 jsonschema True jsonschema-rs True
TEXT
venv/bin/python compare.py | tee seen
diff expected seen

if venv/bin/check-jsonschema --schemafile schema.json prices.yaml > verdict; then
  echo "changed: check-jsonschema takes the prices"
  exit 1
fi
grep -c 'is not a multiple of 0.01' verdict | grep -qx 3
echo "as seen: 3 of 4 prices are no multiple of a cent to one validator, and all are to the other"
