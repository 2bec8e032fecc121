"""Prints the cost of one password verification by itself: wall and CPU milliseconds, as JSON."""

import json
import time

from fastapi_users.password import PasswordHelper

ROUNDS, PASSWORD = 12, "Flat-Wh1te-please"
helper = PasswordHelper()
stored = helper.hash(PASSWORD)
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(ROUNDS):
    assert helper.verify_and_update(PASSWORD, stored)[0]
spent = [(time.perf_counter() - wall), (time.process_time() - cpu)]
print(json.dumps({"wall_ms": spent[0] * 1000 / ROUNDS, "cpu_ms": spent[1] * 1000 / ROUNDS}))
