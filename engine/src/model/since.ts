/** An earlier state of the project that a request asks about: which tests are concerned by what changed since. */

export type Since =
  | {
      readonly kind: "commit";
      /** As typed. */
      readonly ref: string;
      readonly commit: string;
      /** As people read it: `main (abc1234)`. */
      readonly label: string;
    }
  | {
      readonly kind: "snapshot";
      readonly name: string;
      /** When it was saved, in milliseconds since 1970. */
      readonly at: number;
      readonly label: string;
    };
