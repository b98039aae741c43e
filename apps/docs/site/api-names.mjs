import { Converter, ReflectionKind } from 'typedoc';

/** A plugin of TypeDoc: modules are called as they are imported, not by their path in the repository. */
export function load({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const [, name, entry] = /^(?:packages\/)?([\w-]+)\/src(?:\/([\w-]+))?/.exec(module.name);
      module.name = `@heed/${name}${entry === undefined ? '' : `/${entry}`}`;
    }
  });
}
