#!/bin/sh
# MADANG_TOKEN=… [MADANG_HOOK=…] sh room.sh [server] [room]: everything that the HTTP API does, one curl line each.
set -eu
server=${1:-http://127.0.0.1:3000}
room=${2:-lobby}
token="Authorization: Bearer $MADANG_TOKEN"
json="Content-Type: application/json"

echo "== post a message; the key makes a repeat harmless"
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
for attempt in 1 2; do
  curl -sS -H "$token" -H "$json" -H "Idempotency-Key: $key" -d '{"body":"Hello from curl"}' \
    "$server/api/rooms/$room/messages"
  echo
done

echo "== read entries, from the first one on"
curl -sS -H "$token" "$server/api/rooms/$room/entries?after=0&limit=200"
echo

echo "== follow the room for a second, from the first entry on"
curl -sSN -H "$token" -H "Last-Event-ID: 0" --max-time 1 "$server/api/rooms/$room/stream" 2>/dev/null || true

if [ -n "${MADANG_HOOK:-}" ]; then
  echo "== an incoming webhook, as alerting tools call it"
  curl -sS -H "$json" -d '{"text":"Disk almost full"}' "$MADANG_HOOK"
  echo
fi

echo "== the handshake of RFC 6455, with the key of its section 1.3"
curl -sSi -N --http1.1 --max-time 1 -H "Connection: Upgrade" -H "Upgrade: websocket" \
  -H "Sec-WebSocket-Version: 13" -H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" \
  "$server/plain?room=$room" 2>/dev/null || true
