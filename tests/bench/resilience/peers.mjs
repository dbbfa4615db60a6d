// The peers of bench_resilience, in the same words: `node --expose-gc peers.mjs PEER speed|behaviours`. The peers' packages
// are looked for in the folder that NODE_PACKAGES names.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [peer, what] = process.argv.slice(2);
const packages = createRequire(pathToFileURL(join(process.env.NODE_PACKAGES, 'here.js')));
const coolDown = 300, failures = 3;

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
const never = new Promise(() => {});
class Failure extends Error {}
class Ignored extends Error {}

// One way to use all of them: call(action) runs it through the breaker and rejects when it is refused; state() is CLOSED, OPEN
// or HALF_OPEN; errors of class Ignored are declared as none of the breaker's business, in each peer's own way.
const makers = {
    opossum: async () => {
        const CircuitBreaker = packages('opossum');
        return () => {
            const breaker = new CircuitBreaker(action => action(), {
                resetTimeout: coolDown, volumeThreshold: failures, errorThresholdPercentage: 50, timeout: 1000,
                errorFilter: error => error instanceof Ignored,
            });
            return {
                call: action => breaker.fire(action),
                state: () => breaker.halfOpen || breaker.pendingClose ? 'HALF_OPEN' : breaker.opened ? 'OPEN' : 'CLOSED',
                end: () => breaker.shutdown(),
            };
        };
    },
    cockatiel: async () => {
        const { circuitBreaker, handleWhen, ConsecutiveBreaker, CircuitState } =
            await import(pathToFileURL(join(process.env.NODE_PACKAGES, 'node_modules/cockatiel/dist/index.js')).href);
        return () => {
            const breaker = circuitBreaker(handleWhen(error => !(error instanceof Ignored)),
                { halfOpenAfter: coolDown, breaker: new ConsecutiveBreaker(failures) });
            return {
                call: action => breaker.execute(action),
                state: () => breaker.state === CircuitState.Closed ? 'CLOSED' :
                    breaker.state === CircuitState.HalfOpen ? 'HALF_OPEN' : 'OPEN',
                end: () => {},
            };
        };
    },
};

const make = await makers[peer]();

async function trip(breaker) {
    for (let i = 0; i < failures; i++)
        await breaker.call(async () => { throw new Failure('down'); }).catch(() => {});
    if (breaker.state() !== 'OPEN')
        throw new Error(`${peer} does not trip: ${breaker.state()}`);
}

// ---- Speed ----

const median = values => values.sort((a, b) => a - b)[values.length >> 1];

async function nanoseconds(slice, count) {
    const slices = [];
    for (let i = 0; i < 5; i++)
        await slice(count); // the compiler has seen it
    for (let i = 0; i < 31; i++) {
        const start = process.hrtime.bigint();
        await slice(count);
        slices.push(Number(process.hrtime.bigint() - start) / count);
    }
    return median(slices);
}

async function speed() {
    let called = 0;
    const action = async () => { called++; };
    const print = (key, value) => console.log(`${key} ${value.toFixed(2)}`);
    print('bare', await nanoseconds(async count => {
        for (let i = 0; i < count; i++) await action();
    }, 20000));
    const closed = make();
    print('closed', await nanoseconds(async count => {
        for (let i = 0; i < count; i++) await closed.call(action);
    }, 20000));
    closed.end();
    const open = make();
    await trip(open);
    const clock = Date.now, stopped = Date.now(); // it stays open for the length of the measurement
    if (peer === 'cockatiel') Date.now = () => stopped;
    print('refusal', await nanoseconds(async count => {
        for (let i = 0; i < count; i++) await open.call(action).catch(() => {});
    }, 500));
    Date.now = clock;
    open.end();
    globalThis.gc();
    const before = process.memoryUsage().heapUsed, many = [];
    for (let i = 0; i < 10000; i++) many.push(make());
    globalThis.gc();
    print('bytes', (process.memoryUsage().heapUsed - before) / many.length);
    process.exit(called > 0 ? 0 : 1);
}

// ---- The five behaviours ----

const verdict = (number, pass, seen) => console.log(`${number} ${pass ? 'pass' : 'fail'} ${seen}`);

function held() {
    let settle;
    const promise = new Promise((resolve, reject) => { settle = { resolve, reject }; });
    return { promise, ...settle };
}

async function lateSuccess() {
    const breaker = make(), early = held(), probe = held();
    const pending = breaker.call(() => early.promise).catch(() => {});
    await trip(breaker);
    await sleep(coolDown + 50);
    breaker.call(() => probe.promise).catch(() => {});
    await sleep(1);
    const before = breaker.state();
    early.resolve();
    await pending;
    await sleep(1);
    verdict(1, before === 'HALF_OPEN' && breaker.state() === 'HALF_OPEN', `after it: ${breaker.state()}`);
    probe.resolve();
    breaker.end();
}

async function twentyAtOnce() {
    const breaker = make();
    let admitted = 0;
    await trip(breaker);
    await sleep(coolDown + 50);
    for (let i = 0; i < 20; i++)
        breaker.call(() => { admitted++; return never; }).catch(() => {});
    await sleep(20);
    verdict(2, admitted === 1, `admitted: ${admitted}`);
    breaker.end();
}

async function lostProbe() {
    const breaker = make();
    let first = false, again = false;
    await trip(breaker);
    await sleep(coolDown + 50);
    breaker.call(() => { first = true; return never; }).catch(() => {});
    for (let i = 0; i < 60 && !again; i++) {
        await sleep(50);
        breaker.call(async () => { again = true; }).catch(() => {});
    }
    await sleep(20);
    verdict(3, first && again && breaker.state() === 'CLOSED',
        `${again ? 'another probe, then' : 'no other probe in 3 s,'} ${breaker.state()}`);
    breaker.end();
}

async function ignoredProbe() {
    const breaker = make();
    let first = false, again = false;
    await trip(breaker);
    await sleep(coolDown + 50);
    await breaker.call(async () => { first = true; throw new Ignored('not found'); }).catch(() => {});
    const state = breaker.state();
    breaker.call(() => { again = true; return never; }).catch(() => {});
    await sleep(20);
    verdict(4, first && state === 'HALF_OPEN' && again, `after it: ${state}`);
    breaker.end();
}

async function wallJumps() {
    const clock = Date.now;
    const probes = async breaker => {
        let probed = false;
        breaker.call(async () => { probed = true; }).catch(() => {});
        await sleep(1);
        return probed;
    };
    const ahead = make(), back = make();
    await trip(ahead);
    await sleep(50);
    Date.now = () => clock() + 3600000;
    const early = await probes(ahead);
    await trip(back);
    Date.now = clock; // an hour back
    await sleep(coolDown + 50);
    const late = await probes(back);
    verdict(5, !early && late, [early ? 'probed at once when it jumped ahead' : '',
        late ? '' : 'no probe when it jumped back'].filter(text => text).join(', '));
    ahead.end();
    back.end();
}

if (what === 'speed') {
    await speed();
} else {
    for (const behaviour of [lateSuccess, twentyAtOnce, lostProbe, ignoredProbe, wallJumps])
        await behaviour();
    process.exit(0);
}
