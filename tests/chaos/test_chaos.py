"""Goal: whatever happens to instances, brokers, disks and the network between
them, the union of all records is what Redis makes of the same ids, every offset is
proven to be covered, and no commit ran ahead of acknowledged records. One short
round of what `tools/soak chaos` does for hours; the seed is told where it fails,
and --seed repeats its schedule and its frames."""
import chaos
import chaos_schedule
from chaos_round import Round

SECONDS = 60.0


def test_a_round(build, request, scratch):
    plan = chaos_schedule.Plan(request.config.getoption("--seed"), SECONDS, slots=3)
    print(f"replay: --seed={plan.seed}, or {chaos.replay_words(plan)}")
    result = Round(plan, build, request.config.getoption("--kafka"), scratch).run()
    print(chaos.sums(result.counts))
    if result.findings:
        print((result.folder / "trace.log").read_text(encoding="utf-8"))
    assert not result.findings, "\n".join(result.findings)
    assert result.counts["instances kills"] >= 10 and result.counts["rebalances"] >= 3
    assert result.counts["frames"] > 10000


def test_a_seed_draws_the_same_schedule():
    plan = chaos_schedule.Plan(seed=11, seconds=300.0, groups=2, flood=1000)
    steps = chaos_schedule.draw(plan)
    assert steps == chaos_schedule.draw(plan)
    assert steps != chaos_schedule.draw(chaos_schedule.Plan(seed=12, seconds=300.0, groups=2,
                                                           flood=1000))
    drawn = {step.what for step in steps}
    assert drawn >= {"kill", "freeze", "thaw", "leave", "start", "lead", "grow", "fill", "empty",
                     "clear", "flood", *chaos_schedule.KEPT["network"]}
