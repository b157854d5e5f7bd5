"""The cases of test_s3.py against another real server, MinIO: in a slow run, since it takes long to build."""

import os
import sys

if __name__ == "__main__":
    if not os.environ.get("FREIGHTLAKE_SLOW"):
        print("skipped: MinIO is for slow runs\n0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    os.environ["FREIGHTLAKE_S3_SERVER"] = "minio"
    import test_s3

    sys.exit(test_s3.main("test_s3"))
