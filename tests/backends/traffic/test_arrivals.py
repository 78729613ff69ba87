"""Recorded traffic as requests to send again: instants, lengths, and what prompts share."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from backends.domain.traffic.arrivals import RecordedTraffic
from backends.traffic.arrivals import recorded_traffic
from backends.traffic.columns import UnreadableTraffic


def read(path: Path, text: str, most: int = 1000, **mapping: str) -> RecordedTraffic:
    path.write_text(text)
    return recorded_traffic((str(path),), mapping, most)


def lines(*rows: dict[str, object]) -> str:
    return "\n".join(map(json.dumps, rows))


def test_instants_and_lengths_come_in_their_order_whatever_that_of_the_file(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.csv",
        "timestamp,prompt_tokens,completion_tokens\n"
        "2026-11-21T08:00:03.500Z,30,3\n2026-11-21T08:00:01.250Z,10,1\n"
        "2026-11-21T08:00:02.000Z,20,2\n",
    )
    assert [each.at_s for each in found.arrivals] == [0, 0.75, 2.25]
    assert [each.input_tokens for each in found.arrivals] == [10, 20, 30]
    assert [each.output_tokens for each in found.arrivals] == [1, 2, 3]
    assert (found.recorded, found.recorded_s, found.shared) == (3, 2.25, "nothing")
    assert found.lasts_s == pytest.approx(2.25 * 3 / 2)
    assert len({each.prompt[0][0] for each in found.arrivals}) == 3


def test_only_the_first_requests_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"{at},10,5\n" for at in (9.5, 7.25, 1.5, 3.125))
    found = read(tmp_path / "a.csv", "timestamp,input_tokens,output_tokens\n" + rows, most=2)
    assert [each.at_s for each in found.arrivals] == [0, 1.625]
    assert (found.recorded, found.recorded_s) == (4, 8)


def test_blocks_of_one_hash_are_one_text(tmp_path: Path) -> None:
    found = read(
        tmp_path / "mooncake.jsonl",
        lines(
            {"timestamp": 0, "input_length": 1100, "output_length": 50, "hash_ids": [0, 1, 2]},
            {"timestamp": 500, "input_length": 1200, "output_length": 30, "hash_ids": [0, 1, 3]},
            {"timestamp": 750, "input_length": 512, "output_length": 30, "hash_ids": [9]},
        ),
    )
    one, two, three = (each.prompt for each in found.arrivals)
    assert found.shared == "blocks"
    assert [each.at_s for each in found.arrivals] == [0, 0.5, 0.75]
    assert one[:2] == two[:2]
    assert one[2][0] != two[2][0]
    assert [tokens for _, tokens in one] == [512, 512, 76]
    assert three[0][0] not in {key for key, _ in (*one, *two)}


def test_hashes_in_a_cell_are_the_same_as_in_a_list(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.csv",
        'timestamp,input_length,output_length,hash_ids\n0.5,30,5,"[46, 47]"\n1.5,31,5,"[46, 48]"\n',
    )
    one, two = (each.prompt for each in found.arrivals)
    assert one[0] == two[0] == (one[0][0], 16)
    assert one[1][0] != two[1][0]


def test_a_turn_continues_its_conversation_and_a_shorter_one_does_not(tmp_path: Path) -> None:
    rows = (("s1", 100), ("s2", 50), ("s1", 250), ("s1", 90), ("s1", 95))
    found = read(
        tmp_path / "a.jsonl",
        lines(
            *(
                {"at": 0.5 * n, "input_tokens": into, "output_tokens": 9, "session_id": session}
                for n, (session, into) in enumerate(rows)
            )
        ),
    )
    keys = [each.prompt[0][0] for each in found.arrivals]
    assert found.shared == "conversations"
    assert keys[0] == keys[2]
    assert keys[3] == keys[4]
    assert len(set(keys)) == 3


def test_what_was_cached_is_common_to_all(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.jsonl",
        lines(
            {"at": 0.5, "prompt_tokens": 100, "completion_tokens": 9, "cached_tokens": 80},
            {"at": 1.25, "prompt_tokens": 120, "completion_tokens": 9, "cached_tokens": 90},
        ),
    )
    one, two = (each.prompt for each in found.arrivals)
    assert found.shared == "cached tokens"
    assert (one[0][0], one[0][1], two[0][1]) == (two[0][0], 80, 90)
    assert one[1][0] != two[1][0]


def test_requests_of_an_interval_are_spread_over_it(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.csv",
        "start,requests,input_tokens,output_tokens\n"
        "2026-11-21T08:00:00Z,40,4000,400\n2026-11-21T08:01:00Z,20,4000,400\n",
    )
    at = [each.at_s for each in found.arrivals]
    assert len(at) == found.recorded == 60
    assert [each.input_tokens for each in found.arrivals] == [100] * 40 + [200] * 20
    assert all(before <= after for before, after in pairwise(at))
    assert len(set(at)) == 60
    assert "requests of an interval are placed at random within it" in found.remarks


def test_times_of_whole_seconds_that_several_share_are_spread_over_their_second(
    tmp_path: Path,
) -> None:
    rows = "".join(f"2026-11-21T08:00:0{at},10,5\n" for at in (0, 0, 0, 1, 1, 3))
    found = read(tmp_path / "a.csv", "timestamp,input_tokens,output_tokens\n" + rows)
    assert len({each.at_s for each in found.arrivals}) == 6
    assert any("in steps of 1 s" in each for each in found.remarks)


def test_two_requests_far_apart_are_no_steps(tmp_path: Path) -> None:
    rows = "".join(f"2026-11-21T08:00:{at},10,5\n" for at in ("00", "10", "30"))
    found = read(tmp_path / "a.csv", "timestamp,input_tokens,output_tokens\n" + rows)
    assert [each.at_s for each in found.arrivals] == [0, 10, 30]


def test_a_file_without_a_request_is_refused_with_its_name(tmp_path: Path) -> None:
    rows = "timestamp,requests,input_tokens,output_tokens\n2026-11-21T08:00:00Z,0,0,0\n"
    with pytest.raises(UnreadableTraffic, match=r"a\.csv has no request"):
        read(tmp_path / "a.csv", rows)


def test_columns_that_no_name_tells_are_mapped(tmp_path: Path) -> None:
    rows = "when,p,c,who\n" + "".join(f"{at}.5,{into},5,x\n" for at, into in ((1, 50), (2, 90)))
    found = read(tmp_path / "a.csv", rows, at="when", input="p", output="c", conversation="who")
    assert found.shared == "conversations"
