/** Words by which a body shows something of itself outside, without running: both readers of sources must agree on them. */

/** It is a generator. */
export const YIELD = /\byield\b/;
/** It asks for the class that it stands in. */
export const OWN_CLASS = /\b(super|__class__)\b/;
