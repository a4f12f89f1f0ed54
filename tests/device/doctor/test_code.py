import dataclasses
import hashlib
from pathlib import Path

from device.doctor.code import check_code


def test_damaged_code_is_a_problem_that_a_deployment_mends(pi_4, tmp_path: Path):
    case = dataclasses.replace(pi_4, release=tmp_path)
    assert list(check_code(case)) == []
    file = tmp_path / "device" / "cli.py"
    file.parent.mkdir()
    file.write_text("sound")
    digest = hashlib.sha256(b"sound").hexdigest()
    (tmp_path / "code.sha256").write_text(f"{digest}  device/cli.py\n")
    (finding,) = check_code(case)
    assert (finding.check, finding.verdict) == ("code", "ok")
    file.write_text("Sound")
    (finding,) = check_code(case)
    assert (finding.verdict, finding.found) == ("problem", "damaged: device/cli.py")
    assert "./deploy.sh" in finding.mend
