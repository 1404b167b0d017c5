import { fieldLines, nameOf, typeInWords, type JsonSchema } from './json-schema';
import { generatedNote, listOf, pageOf } from './page';

interface Reference {
  $ref: string;
}
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: JsonSchema;
}
interface Body {
  description?: string;
  content?: Record<string, { schema?: JsonSchema }>;
}
interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: (Parameter | Reference)[];
  requestBody?: Body | Reference;
  responses?: Record<string, Body | Reference>;
}

/** As much of an OpenAPI 3.1 document as the reference shows. */
export interface OpenApiDocument {
  servers?: { url: string }[];
  paths?: Record<string, object>;
  components?: {
    schemas?: Record<string, JsonSchema>;
    parameters?: Record<string, Parameter>;
    requestBodies?: Record<string, Body>;
    responses?: Record<string, Body>;
  };
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const;

const link = (name: string): string => `[${name}](#${name.toLowerCase()})`;

const oneLine = (text: string | undefined): string => (text ?? '').replace(/\s+/g, ' ').trim();

const sentence = (text: string | undefined): string => {
  const line = oneLine(text);
  return line === '' || /[.!?]$/.test(line) ? line : `${line}.`;
};

const isReference = (value: object): value is Reference => '$ref' in value;

const basePathOf = ({ servers }: OpenApiDocument): string => {
  const [server] = servers ?? [];
  return server ? new URL(server.url, 'http://localhost').pathname.replace(/\/$/, '') : '';
};

class ApiReference {
  constructor(private readonly document: OpenApiDocument) {}

  render(): string {
    const { components } = this.document;
    const operations = this.operations();
    const groups = [...new Set(operations.map(({ group }) => group))];
    return pageOf([
      generatedNote('the OpenAPI document, which the API serves at `/api/openapi.json`'),
      '# API',
      'What holds for all routes (deadlines, refusals, requests sent twice, no login): [rules for all routes](api-rules.md). Codes of refusals: [errors](errors.md).',
      ...groups.flatMap((group) => [
        `## ${group}`,
        ...operations.filter((operation) => operation.group === group).flatMap(({ blocks }) => blocks),
      ]),
      '## Schemas',
      ...Object.entries(components?.schemas ?? {})
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([name, schema]) => this.schema(name, schema)),
    ]);
  }

  private operations(): { group: string; blocks: string[] }[] {
    const base = basePathOf(this.document);
    return Object.entries(this.document.paths ?? {}).flatMap(([path, given]) =>
      METHODS.flatMap((method) => {
        const item = given as Record<string, unknown>;
        const operation = item[method] as Operation | undefined;
        if (operation === undefined) return [];
        const shared = (item.parameters ?? []) as (Parameter | Reference)[];
        const [, first = ''] = path.replace(/^\/api(?=\/)/, '').split('/');
        return {
          group: operation.tags?.[0] ?? first,
          blocks: this.operation(`${method.toUpperCase()} ${base}${path}`, {
            ...operation,
            parameters: [...shared, ...(operation.parameters ?? [])],
          }),
        };
      }),
    );
  }

  private operation(title: string, operation: Operation): string[] {
    const parameters = (operation.parameters ?? []).map((given) =>
      isReference(given) ? this.resolved<Parameter>(given, 'parameters') : given,
    );
    const answers = Object.entries(operation.responses ?? {}).map(
      ([status, given]) =>
        [status, isReference(given) ? this.resolved<Body>(given, 'responses') : given] as const,
    );
    const body =
      operation.requestBody &&
      (isReference(operation.requestBody)
        ? this.resolved<Body>(operation.requestBody, 'requestBodies')
        : operation.requestBody);
    return [
      `### ${title}`,
      [operation.summary, operation.description].map(sentence).filter(Boolean).join(' '),
      listOf([
        ...parameters.map((parameter) => this.parameter(parameter)),
        ...(body ? [`body: ${this.content(body)}`] : []),
        ...answers.map(([status, answer]) => this.answer(status, answer)),
      ]),
    ];
  }

  private parameter({ name, in: place, required, schema, description }: Parameter): string {
    const notes = [typeInWords(schema ?? {}, link), ...(required ? [] : ['optional'])].join('; ');
    const note = oneLine(description);
    return `\`${name}\` in the ${place} (${notes})${note === '' ? '' : `: ${note}`}`;
  }

  private answer(status: string, body: Body): string {
    const note = oneLine(body.description);
    const content = body.content === undefined ? '' : this.content(body);
    return `${status === 'default' ? 'otherwise' : status}: ${[content, note].filter(Boolean).join('; ')}`;
  }

  private content({ content = {} }: Body): string {
    return Object.entries(content)
      .map(([mediaType, { schema }]) => {
        const type = typeInWords(schema ?? {}, link);
        return mediaType === 'application/json' ? type : `\`${mediaType}\` (${type})`;
      })
      .join(' or ');
  }

  private schema(name: string, schema: JsonSchema): string[] {
    const fields = fieldLines(schema, link);
    return [
      `### ${name}`,
      sentence(schema.description),
      fields.length > 0 ? fields.join('\n') : sentence(typeInWords(schema, link)),
    ];
  }

  private resolved<T>(reference: Reference, kind: 'parameters' | 'responses' | 'requestBodies'): T {
    const found = this.document.components?.[kind]?.[nameOf(reference.$ref)];
    if (found === undefined) throw new Error(`The OpenAPI document has no ${reference.$ref}.`);
    return found as T;
  }
}

/** The reference of the API from its OpenAPI document. @throws Error for a reference that leads nowhere */
export const apiReference = (document: OpenApiDocument): string => new ApiReference(document).render();
