// A user of the Flask application, for the import. Its table is only read.
import { defineEntity, p } from "@mikro-orm/core";

export const FlaskUserSchema = defineEntity({
  name: "FlaskUser",
  schema: "public",
  tableName: "users",
  properties: {
    id: p.integer().primary(),
    username: p.text().nullable(),
    email: p.text().nullable(),
    password: p.text().nullable(),
    /** Separated by commas. */
    roles: p.text().nullable(),
    isActive: p.boolean().nullable(),
  },
});

export class FlaskUser extends FlaskUserSchema.class {}

FlaskUserSchema.setClass(FlaskUser);
