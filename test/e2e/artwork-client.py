"""The client of the original: a form, the raw token, and another try after a while when there is no answer."""
import sys
import time

import requests

url, token, ntd, zip_art, *arts = sys.argv[1:]
payload = {
    "country": "MX",
    "channel": "Retail",
    "label": "Summer",
    "category": "POP",
    "zip_art": zip_art,
    "arts_path": arts,
    "no_transaction_id": "1001",
    "ntd_transaction_id": ntd,
}


def request_system(url, **kwargs):
    try:
        r = requests.post(url, headers={"Authorization": token}, data=kwargs, verify=False, timeout=60)
        if r.status_code == 200:
            return r.json()
    except Exception as e:
        print(f"Error: {e}", file=sys.stderr)
        time.sleep(0.2)
        return request_system(url, **kwargs)
    raise SystemExit(f"{r.status_code} {r.text}")


print(request_system(url, **payload)["job_id"])
