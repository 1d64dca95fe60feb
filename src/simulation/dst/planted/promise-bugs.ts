import { bug, type PlantedBug } from "./bug.ts";

/** What the coordinator promises too early, forgets or takes twice. */
export const promiseBugs: readonly PlantedBug[] = [
  bug(
    "a pause is confirmed before it is durable",
    "coordinator/sessions/operator",
    'desk.dispatch({ type: "paused", abandon });\n            await desk.durable();',
    'desk.dispatch({ type: "paused", abandon });',
  ),
  bug(
    "a run goes on before that is durable",
    "coordinator/sessions/operator",
    'desk.dispatch({ type: "resumed" });\n            }\n            await desk.durable();',
    'desk.dispatch({ type: "resumed" });\n            }',
  ),
  bug(
    "a receipt before the record is durable",
    "coordinator/sessions/reports",
    '    await durable;\n    return { kind: "accepted", report: id };',
    '    return { kind: "accepted", report: id };',
  ),
  bug(
    "a receipt again before the record is durable",
    "coordinator/sessions/reports",
    "ledger.refused(frame.length); await desk.durable();",
    "ledger.refused(frame.length);",
  ),
  bug(
    "an inquiry finds a report before it is durable",
    "coordinator/sessions/sessions",
    "if (desk.book.wasAccepted(clientId, id)) { await desk.durable();",
    "if (desk.book.wasAccepted(clientId, id)) {",
  ),
  bug("a model is handed out before it is durable", "coordinator/sessions/downloads", "await durable();", ""),
  bug(
    "a report that comes again is a new one",
    "coordinator/sessions/reports",
    "if (book.wasAccepted(clientId, id))",
    "if (false)",
  ),
  bug(
    "a client may report twice in a round",
    "coordinator/round/state",
    "if (reported.includes(clientId)) return",
    "if (false) return",
  ),
  bug(
    "a report that is refused early gets a receipt",
    "coordinator/sessions/reports",
    "if (early !== null)\n        return refuse(early);",
    'if (early !== null)\n        return { kind: "accepted", report: id };',
  ),
  bug(
    "the announced digest is not compared",
    "coordinator/sessions/reports",
    "if (digestOf(frame) !== id.digest)",
    "if (false)",
  ),
  bug(
    "a task is given before its round is durable",
    "coordinator/sessions/sessions",
    "void desk.durable().then(give, () => { });",
    "give();",
  ),
  bug(
    "clients hear of the end before it is durable",
    "coordinator/coordinator",
    "void durable.then(() => settle({ outcome: effect.outcome, detail: effect.detail }), fail);",
    "settle({ outcome: effect.outcome, detail: effect.detail }); sessions.finish({ outcome: effect.outcome, detail: effect.detail });",
  ),
  bug(
    "verdicts of a replay have no digest",
    "coordinator/journal/replay",
    "digestOf(record.frame)",
    '"0".repeat(64)',
  ),
  bug(
    "a verdict on a round's report goes for all of its reports",
    "coordinator/book/verdicts",
    "Number.parseInt(digest.slice(0, 8), 16),\n    Number.parseInt(digest.slice(8, 16), 16),",
    "0,\n    0,",
  ),
  bug(
    "dropped reports are called folded",
    "coordinator/book/book",
    '? { outcome: "folded", version } : { outcome: "dropped", version: null }',
    '? { outcome: "folded", version } : { outcome: "folded", version }',
  ),
  bug(
    "an end is told without a verdict",
    "coordinator/sessions/sessions",
    '? { kind: "finished", verdict: verdictFor(clientId, request) }',
    '? { kind: "finished", verdict: null }',
  ),
  bug(
    "every inquiry hears that its round is over",
    "coordinator/sessions/sessions",
    "const why = objection(clientId, id.round);",
    'const why = { code: "wrong-round", detail: "", retry: true };',
  ),
  bug(
    "a heartbeat hears that its round is not open",
    "coordinator/sessions/sessions",
    "if (isFinal(refusal)) return refusal;",
    'if (isFinal(refusal) || round === desk.state().round) return { code: "wrong-round", detail: "", retry: true };',
  ),
];
