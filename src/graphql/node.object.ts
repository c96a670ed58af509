// What clients such as Relay load again by ID alone (https://relay.dev/graphql/objectidentification.htm).
import { Field, ID, InterfaceType } from "type-graphql";

@InterfaceType("Node", { description: "An object that `node` finds by its ID." })
export abstract class NodeObject {
  @Field(() => ID, {
    description: "The ID of the object, which never changes and which no other object has.",
  })
  id!: string;
}
