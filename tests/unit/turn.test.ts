// One at a time: who waits, who takes over, and what is left.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { inTurn, WaitError } from "../../src/native/turn.ts";
import { withFolder } from "../support/node.ts";

const patient = { timeout: 60_000, isDone: () => false };

test("two do not work at the same time, and leave nothing", () =>
  withFolder(async (folder) => {
    const lock = join(folder, "lock");
    let working = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++working);
      await new Promise((resolve) => setTimeout(resolve, 50));
      working--;
    };
    await Promise.all([1, 2, 3].map(() => inTurn(lock, patient, work)));
    assertEquals(most, 1);
    assertEquals(readdirSync(folder), []);
  }));

test("who waits does nothing where the other has done it", () =>
  withFolder(async (folder) => {
    const lock = join(folder, "lock");
    const result = join(folder, "result");
    let waited = 0;
    const options = {
      ...patient,
      isDone: () => existsSync(result),
      waits: () => waited++,
    };
    const begun = Promise.withResolvers<void>();
    const first = inTurn(lock, options, async () => {
      begun.resolve();
      await second.promise;
      writeFileSync(result, "");
      return "first";
    });
    const second = Promise.withResolvers<void>();
    await begun.promise;
    const other = inTurn(lock, {
      ...options,
      waits: () => {
        waited++;
        second.resolve();
      },
    }, () => Promise.resolve("second"));
    assertEquals([await first, await other, waited], ["first", undefined, 1]);
  }));

test("a lock whose owner gives no sign of life is taken over, by one of those who wait at a time", () =>
  withFolder(async (folder) => {
    const lock = join(folder, "lock");
    writeFileSync(lock, "somebody 0");
    let working = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++working);
      await new Promise((resolve) => setTimeout(resolve, 300));
      working--;
    };
    await Promise.all([1, 2, 3, 4].map(() => inTurn(lock, patient, work)));
    assertEquals(most, 1);
    assertEquals(readdirSync(folder), []);
  }));

test("a living owner without progress is waited for no longer than was said", () =>
  withFolder(async (folder) => {
    const lock = join(folder, "lock");
    const stuck = Promise.withResolvers<void>();
    const owner = inTurn(lock, patient, () => stuck.promise);
    const started = performance.now();
    await assertRejects(
      () =>
        inTurn(lock, { ...patient, timeout: 1000 }, () => Promise.resolve()),
      WaitError,
      "makes no progress",
    );
    assert(performance.now() - started >= 1000);
    stuck.resolve();
    await owner;
    assertEquals(readdirSync(folder), []);
  }));

test("a living owner that makes progress is waited for longer than that", () =>
  withFolder(async (folder) => {
    const lock = join(folder, "lock");
    const slow = inTurn(lock, patient, async (turn) => {
      for (let step = 0; step < 4; step++) {
        turn.progress++;
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    });
    const waiting = inTurn(
      lock,
      { ...patient, timeout: 2500 },
      () => Promise.resolve("done"),
    );
    assertEquals(await waiting, "done");
    await slow;
  }));

test("what fails gives its turn to the next", () =>
  withFolder(async (folder) => {
    const lock = join(folder, "lock");
    const failed = inTurn(lock, patient, () => Promise.reject(new Error("no")));
    await assertRejects(() => failed, Error, "no");
    assertEquals(await inTurn(lock, patient, () => Promise.resolve(1)), 1);
  }));
