/** A release that cannot be made as things are; the message says why, and needs no stack. */
export class Refusal extends Error {
  override name = "Refusal";
}
