"""python chat.py [url]: sends each line that is typed, and prints each message with its number.

To go on after an interruption, give the last number: python chat.py "ws://127.0.0.1:3000/plain?after=41"
"""

import json
import sys
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

URL = "ws://127.0.0.1:3000/plain"


def show(socket):
    try:
        for frame in socket:
            data = json.loads(frame)
            if data.get("type") == "userId":
                print("connected as", data["userId"], flush=True)
            elif data.get("type") == "error":
                print("error:", data["code"], data["message"], flush=True)
            elif "message" in data:
                print(data.get("cursor", data["seq"]), f"{data['nickname']}: {data['message']}", flush=True)
    except ConnectionClosed:
        pass
    print("disconnected:", socket.close_code, socket.close_reason, flush=True)


with connect(sys.argv[1] if len(sys.argv) > 1 else URL) as socket:
    threading.Thread(target=show, args=(socket,), daemon=True).start()
    for line in sys.stdin:
        socket.send(json.dumps({"message": line.rstrip("\n")}))
