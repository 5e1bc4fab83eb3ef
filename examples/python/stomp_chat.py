"""python stomp_chat.py tcp|ws HOST PORT ROOM [AFTER]: sends each line that is typed, and prints each message.

`tcp` is the port of `madang serve --stomp-addr`, `ws` that of the page. AFTER is the number of the last message that
is known: the server goes on behind it.
"""

import sys

import stomp
from stomp.adapter.ws import WSStompConnection


class Printer(stomp.ConnectionListener):
    def on_connected(self, frame):
        print("connected by STOMP", frame.headers["version"], flush=True)

    def on_message(self, frame):
        print(frame.headers["seq"], f"{frame.headers['nickname']}: {frame.body}", flush=True)

    def on_error(self, frame):
        print("error:", frame.headers["message"], flush=True)

    def on_disconnected(self):
        print("disconnected", flush=True)


transport, host, port, room, *after = sys.argv[1:]
if transport == "ws":
    connection = WSStompConnection([(host, int(port))], ws_path="/stomp")
else:
    connection = stomp.Connection12([(host, int(port))])

connection.set_listener("", Printer())
connection.connect(wait=True)
connection.subscribe(f"/topic/{room}", id="1", headers={"after": after[0]} if after else {})

for line in sys.stdin:
    connection.send(f"/topic/{room}", line.rstrip("\n"))
connection.disconnect()
