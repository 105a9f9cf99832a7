"""`mlserver infer`, unmodified: a file of requests in, a file of answers out.

Usage: mlserver_infer.py HTTP_ADDRESS GRPC_ADDRESS KEY; exits 0 when every line is answered.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

address, _, key = sys.argv[1:]
rows = [[[i, 2 * i, 3 * i]] for i in range(20)]
with tempfile.TemporaryDirectory() as folder:
    asked, answered = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
    lines = [{"id": str(i), "inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": row}]} for i, row in enumerate(rows)]
    asked.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [Path(sys.executable).parent / "mlserver", "infer", "-u", address, "-m", "scale", "-i", asked, "-o", answered]
    for options in (["-s", "1"], ["-s", "8"], ["-s", "8", "-b"]):
        subprocess.run([*command, *options, "-H", f"x-api-key: {key}"], check=True)
        found = {}
        for line in answered.read_text().splitlines():
            answer = json.loads(line)
            found[answer["parameters"]["batch_index"]] = answer["outputs"][0]
        assert len(found) == len(rows), found
        for i, row in enumerate(rows):
            assert found[i]["data"] == [2 * value for value in row[0]], (i, found[i])
print("all calls as they should be")
