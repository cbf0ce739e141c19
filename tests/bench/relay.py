"""A TCP relay on loopback that makes a server distant: all that passes arrives later, and nothing
is ever held up for want of bandwidth. It also counts how often those who talk take turns."""
import queue
import socket
import threading
import time

PORTION = 1 << 18
UP, DOWN = "up", "down"


class Relay:
    """A relay to a port of 127.0.0.1, with that round trip in seconds, until it is closed."""

    def __init__(self, to, round_trip):
        self.to, self.delay = to, round_trip / 2
        self.lock = threading.Lock()
        self.reset()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        spawn(self._listen)

    def close(self):
        # Also wakes the thread that waits there.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def reset(self):
        """Counts from here on."""
        with self.lock:
            self.turns, self.connections, self.last = 0, 0, DOWN

    def _listen(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            spawn(self._serve, client)

    def _serve(self, client):
        """As a distant host would: TCP's own answer takes a round trip, and what the client may
        send then, half of one more."""
        time.sleep(2 * self.delay)
        up, down = queue.SimpleQueue(), queue.SimpleQueue()
        spawn(self._take, client, up, UP)
        time.sleep(self.delay)
        with client, socket.create_connection(("127.0.0.1", self.to)) as server:
            threads = [spawn(give, up, server), spawn(self._take, server, down, DOWN),
                       spawn(give, down, client)]
            for thread in threads:
                thread.join()

    def _take(self, source, line, way):
        """Reads at once, so that no sender waits for more than the delay. What is under way is
        bounded by the windows of SSH."""
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                portion = source.recv(PORTION)
            except OSError:
                portion = b""
            line.put((time.monotonic() + self.delay, portion))
            if not portion:
                return
            self._count(way)

    def _count(self, way):
        with self.lock:
            self.turns += way == UP and self.last == DOWN
            self.last = way


def give(line, target):
    """Hands on what is due; an empty portion is the end."""
    while True:
        due, portion = line.get()
        time.sleep(max(0, due - time.monotonic()))
        try:
            if not portion:
                return target.shutdown(socket.SHUT_WR)
            target.sendall(portion)
        except OSError:
            return


def spawn(work, *words):
    thread = threading.Thread(target=work, args=words, daemon=True)
    thread.start()
    return thread


def capacity(size=1 << 29):
    """Bytes a second that a relay without delay carries, with sender and receiver beside it."""
    with socket.create_server(("127.0.0.1", 0)) as sink:
        relay = Relay(sink.getsockname()[1], 0)
        start = time.perf_counter()
        spawn(pour, relay.port, size)
        receiver, _ = sink.accept()
        buffer, left = bytearray(PORTION), size
        with receiver:
            while left > 0 and (count := receiver.recv_into(buffer)):
                left -= count
        relay.close()
    return (size - left) / (time.perf_counter() - start)


def pour(port, size):
    with socket.create_connection(("127.0.0.1", port)) as sender:
        portion = bytes(PORTION)
        for _ in range(size // PORTION):
            sender.sendall(portion)
