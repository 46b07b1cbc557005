import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { majorityOf } from "./report.ts";
import { LONGEST_SPLIT_MS } from "./steering.ts";
import { type Lines, Steering } from "./test/simulator.ts";

/** Probes that fail three times in a row come before. */
const BOUND_SECONDS = LONGEST_SPLIT_MS / 1000 + 4;

/** What a time of trouble is like: directions that carry nothing, sites that are dead or broken, and what gets lost by chance. */
const trouble = fc.record({
  cut: fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 30 }),
  dead: fc.array(fc.nat(7), { maxLength: 3 }),
  broken: fc.array(fc.nat(7), { maxLength: 3 }),
  loss: fc.constantFrom(0, 0, 0.2, 0.6),
  seconds: fc.integer({ min: 1, max: 40 }),
});

type Trouble = typeof trouble extends fc.Arbitrary<infer T> ? T : never;

function begin(steering: Steering, { cut, dead, broken, loss }: Trouble, seed: number): Lines {
  const carries = new Set(cut.map(([from, to]) => `${from} ${to}`));
  for (const [index, voter] of steering.voters.entries()) {
    voter.alive = !dead.includes(index);
    voter.broken = broken.includes(index);
  }
  const chance = random(seed);
  return (from, to) => !carries.has(`${from} ${to}`) && (loss === 0 || chance() >= loss);
}

/** Mulberry32: the same seed gives the same losses. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const expectServed = (steering: Steering): void => {
  for (const answer of steering.answers()) expect(answer.length).toBeGreaterThan(0);
};

describe("steering", () => {
  it("is never empty, and within the bound of a network that is stable all who decide agree, for good", () => {
    let decided = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        fc.array(trouble, { minLength: 1, maxLength: 4 }),
        trouble,
        fc.nat(),
        (count, witness, troubles, last, seed) => {
          const steering = new Steering(count, witness);
          for (const [index, one] of troubles.entries()) {
            const lines = begin(steering, one, seed + index);
            for (let second = 0; second < one.seconds; second += 1) {
              steering.tick(lines);
              expectServed(steering);
            }
          }
          const stable = begin(steering, { ...last, loss: 0 }, seed);
          for (let second = 0; second < BOUND_SECONDS; second += 1) {
            steering.tick(stable);
            expectServed(steering);
          }
          const agreed = JSON.stringify(steering.deciding()[0]?.decision?.served.answer);
          for (let second = 0; second < 5; second += 1) {
            steering.tick(stable);
            for (const { decision } of steering.deciding())
              expect(JSON.stringify(decision?.served.answer)).toBe(agreed);
          }
          decided += steering.deciding().length > 1 ? 1 : 0;
        },
      ),
      { numRuns: 200 },
    );
    expect(decided).toBeGreaterThan(20);
  });

  it("changes nothing at a site that is in a minority, and never leaves it with itself alone", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 7 }), fc.nat(), (count, pick) => {
        const steering = new Steering(count);
        const inside = new Set([pick % (count - 1)]);
        for (let index = 0; inside.size < Math.floor((count - 1) / 2); index += 1) inside.add(index);
        const broken = count - 1;
        (steering.voters[broken] as { broken: boolean }).broken = true;
        for (let second = 0; second < 8; second += 1) steering.tick(() => true);
        const before = steering.places.flatMap(({ address }, index) => (index === broken ? [] : [address]));
        const apart: Lines = (from, to) => inside.has(from) === inside.has(to);
        for (let second = 0; second < 120; second += 1) {
          steering.tick(apart);
          for (const index of inside) expect(steering.voters[index]?.decision?.served.answer).toEqual(before);
        }
        const others = before.filter(
          (address) => ![...inside].some((index) => steering.addressOf(index) === address),
        );
        const outside = steering.voters.filter((_, index) => !inside.has(index));
        for (const { decision } of outside) expect(decision?.served.answer).toEqual(others);
      }),
      { numRuns: 40 },
    );
  });

  it("withdraws a site that is lost within six seconds, and has it back after the hold", () => {
    const steering = new Steering(3);
    for (let second = 0; second < 5; second += 1) steering.tick(() => true);
    const [lost] = steering.voters;
    if (lost) lost.alive = false;
    let seconds = 0;
    const has = () => steering.answers().some((answer) => answer.includes(steering.addressOf(0)));
    while (has()) {
      steering.tick(() => true);
      seconds += 1;
    }
    expect(seconds).toBeLessThanOrEqual(6);
    if (lost) lost.alive = true;
    for (let second = 0; second < 20; second += 1) steering.tick(() => true);
    for (const answer of steering.answers()) expect(answer).toHaveLength(3);
  });

  it("of two hundred sites goes through cuts, one-way lines and loss, and agrees again", () => {
    const count = 200;
    const steering = new Steering(count, true);
    const chance = random(7);
    const watched = Array.from({ length: 12 }, (_, index) => index * 16);
    const rounds = [0.05, 0.3].map((loss) => {
      const side = Array.from({ length: count + 1 }, () => chance() < 0.4);
      const oneWay = new Set(Array.from({ length: 4000 }, () => Math.floor(chance() * (count + 1) ** 2)));
      return (from: number, to: number) =>
        side[from] === side[to] && !oneWay.has(from * (count + 1) + to) && chance() >= loss;
    });
    for (const lines of rounds)
      for (let second = 0; second < 12; second += 1) {
        steering.tick(lines, watched);
        expectServed(steering);
      }
    const dead = new Set([3, 16, 77, 150]);
    for (const index of dead) (steering.voters[index] as { alive: boolean }).alive = false;
    // One line in ten loses what it carries, for ever.
    const lossy: Lines = () => chance() >= 0.1;
    for (let second = 0; second < BOUND_SECONDS; second += 1)
      steering.tick(lossy, second % 10 === 0 ? watched : []);
    const wanted = steering.places.flatMap(({ address }, index) => (dead.has(index) ? [] : [address]));
    for (let second = 0; second < 3; second += 1) steering.tick(lossy, watched);
    const deciding = steering.deciding();
    expect(deciding.length).toBeGreaterThanOrEqual(watched.length - dead.size);
    for (const { decision } of deciding) expect(decision?.served.answer).toEqual(wanted);
    expect(steering.groupOf(0)).toBeGreaterThanOrEqual(majorityOf(steering.names));
  }, 120_000);
});
