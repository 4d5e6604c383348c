#!/usr/bin/env bash
# A purchase that a gateway answers with HTTP 502 and a page of HTML, by the vendor's own client for API v1.
#
# Expected: `proxy_seller_user_api` 1.0.4 raises, as it does for a refusal, so that a caller's `except` sees every
# purchase that did not come to an order.
# Seen: `orderMakeIpv4` returns. The page comes back as bytes, where a bought order is a dict; an empty answer of HTTP 500
# comes back as empty bytes; only the vendor's own `errors` raise. A batch that counts what returned without an exception
# counts both as bought, and neither the HTTP status nor whether it was bought can be had from the client.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check proxy-seller-user-api==1.0.4 requests==2.32.5

cat > buy.py <<'PYTHON'
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from proxy_seller_user_api import Api

ANSWERS = {
    "bought": (200, b'{"status": "success", "data": {"orderId": 1000000, "total": 3.5, "balance": 10.19}, "errors": []}'),
    "refused": (200, b'{"status": "error", "data": null, "errors": [{"message": "Insufficient funds", "code": 0}]}'),
    "gateway": (502, b"<html><body>502 Bad Gateway</body></html>"),
    "nothing": (500, b""),
}


class Vendor(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = ANSWERS[self.path.split("/")[1]]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Vendor)
Thread(target=server.serve_forever, daemon=True).start()
for name in ANSWERS:
    Api.URL = f"http://127.0.0.1:{server.server_port}/{name}/"
    try:
        answer = Api({"key": "a-key"}).orderMakeIpv4(561, "1m", 2, "", "", "price monitoring")
        print(name, "returned", type(answer).__name__, answer)
    except Exception as error:
        print(name, "raised", type(error).__name__, error)
PYTHON

cat > expected <<'TEXT'
bought returned dict {'orderId': 1000000, 'total': 3.5, 'balance': 10.19}
refused raised ValueError Insufficient funds
gateway returned bytes b'<html><body>502 Bad Gateway</body></html>'
nothing returned bytes b''
TEXT
venv/bin/python buy.py | tee seen
diff expected seen
echo "as seen: a purchase that came to nothing known returns like one that was bought"
