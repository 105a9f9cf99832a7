"""A service manager that listens: prints every message of its socket, a line each, as `sd_notify(3)` has them."""
import array
import os
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("listening", flush=True)
while True:
    message, ancillary, _flags, _address = listener.recvmsg(4096, socket.CMSG_SPACE(16))
    # systemd-notify waits until the other end of what it sends along is closed: that its message was read.
    for _level, _type, data in ancillary:
        for descriptor in array.array("i", data[: len(data) - len(data) % 4]):
            os.close(descriptor)
    for line in message.decode().splitlines():
        if line != "BARRIER=1":
            print(line, flush=True)
