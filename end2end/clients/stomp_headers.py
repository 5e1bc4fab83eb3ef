"""python stomp_headers.py HOST PORT: says that it listens, then sends one message with headers of its own, and prints the
headers of each message that it reads, as JSON."""

import json
import sys

import stomp


class Printer(stomp.ConnectionListener):
    def on_message(self, frame):
        print(json.dumps({"body": frame.body, **frame.headers}), flush=True)

    def on_receipt(self, frame):
        print("receipt", frame.headers["receipt-id"], flush=True)


host, port = sys.argv[1:]
connection = stomp.Connection12([(host, int(port))])
connection.set_listener("", Printer())
connection.connect(wait=True)
connection.subscribe("/topic/lobby", id="1", headers={"receipt": "listening"})
for line in sys.stdin:
    connection.send("/topic/lobby", line.rstrip("\n"), "text/csv", {"x-from": "stomp.py", "x-odd": "a:b\\d\ne"})
connection.disconnect()
