"""Redis, asked as the other engines are; the server is support/redis_server.py's."""


class Engine:
    name = "redis"

    def __init__(self, server):
        self.server = server
        self.sets = {}

    def version(self):
        info = self.server.command("INFO", "server").decode()
        return "Redis " + info.partition("redis_version:")[2].split()[0]

    def define(self, name, ids):
        self.sets[name] = ids

    def sketch(self, form, start=None, sets=(), merge=()):
        """A string from bytes (or new), then PFADDed, then PFMERGEd into."""
        del form
        command = self.server.command
        command("DEL", "made", "other")
        command("PFADD", "made")
        if start is not None:
            command("SET", "made", bytes.fromhex(start))
        for name in sets:
            self.server.add("made", self.sets[name])
        for data in merge:
            command("SET", "other", bytes.fromhex(data))
            command("PFMERGE", "made", "other")
        image = command("GET", "made")
        return {"bytes": image.hex(), "estimate": command("PFCOUNT", "made")}
